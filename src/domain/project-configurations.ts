import { ResealError } from './errors.js';
import type { ProjectGap, ProjectSigning, SigningTarget } from './project-signing.js';

/**
 * The configurations that are asked for, by default Release.
 * @throws ResealError NOT_FOUND
 */
export function chosenConfigurations(project: ProjectSigning, named: readonly string[]): readonly string[] {
  const known = project.configurations.join(', ');
  const missing = named.filter((name) => !project.configurations.includes(name));
  if (missing.length > 0)
    throw new ResealError('NOT_FOUND', `${project.name} has no configuration ${missing.join(', ')}; it has ${known || 'none'}.`);
  if (named.length > 0) return named;
  const usual = ['Release', project.defaultConfiguration ?? ''].find((name) => project.configurations.includes(name));
  if (usual === undefined)
    throw new ResealError(
      'USAGE',
      `${project.name} has no configuration Release. Say which one is built for release with --configuration: ${known || 'it has none'}.`,
    );
  return [usual];
}

/** What could not be followed of a project's files in these configurations, and of these targets. */
export const gapsIn = (
  project: ProjectSigning,
  configurations: readonly string[],
  targets: readonly SigningTarget[],
): readonly ProjectGap[] => [
  ...project.gaps.filter((gap) => gap.configurations.some((name) => configurations.includes(name))),
  ...targets.flatMap(({ gaps }) => gaps),
];
