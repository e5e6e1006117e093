import { basename, join, resolve } from 'node:path';
import { readSource } from '../../configuration/document.js';
import { describeFinding } from '../../configuration/finding.js';
import { ResealError } from '../../domain/errors.js';
import type { Manifest } from '../../domain/manifest.js';
import type { Policy } from '../../domain/policy.js';
import type { ProfileDescription } from '../../domain/profile.js';
import { chosenConfigurations, gapsIn } from '../../domain/project-configurations.js';
import { placeOf, reviewExport, reviewSigning, type SigningFinding } from '../../domain/project-review.js';
import type { ProjectSigning } from '../../domain/project-signing.js';
import { AppsSchema, type Apps, type AppsOrigin } from '../../manifest/assemble.js';
import { exportMismatches } from '../../manifest/export-options.js';
import { appsDisagreements, appsOfProject, elsewhere, teamMismatches, type ProjectApps } from '../../manifest/project-apps.js';
import { readExportOptions } from '../../xcode-project/export-options.js';
import { readXcodeProject } from '../../xcode-project/read-project.js';

/** What a person names beside a folder of profiles. */
export interface ProjectFiles {
  readonly project: string | undefined;
  readonly configuration: readonly string[];
  readonly exportOptions: readonly string[];
}

/** The command line's part of it. */
export const PROJECT_OPTIONS = {
  project: { kind: 'text', description: 'Xcode project that says apps, roles and targets in place of apps.yaml', value: 'PATH' },
  configuration: { kind: 'list', description: 'Build configurations of the project; by default Release', value: 'NAME' },
  exportOptions: { kind: 'list', description: 'ExportOptions.plist files that the manifest has to fit', value: 'FILE' },
} as const;

/** @throws ResealError USAGE for configurations of no project */
export function refuseConfigurationsAlone({ project, configuration }: Pick<ProjectFiles, 'project' | 'configuration'>): void {
  if (project === undefined && configuration.length > 0)
    throw new ResealError(
      'USAGE',
      '--configuration says which build configuration of an Xcode project counts. Name the project with --project.',
    );
}

/** Apps of a folder of profiles, and what is to be said of a manifest that was made of them. */
export interface FolderApps {
  readonly apps: Apps;
  readonly origin: AppsOrigin;
  readonly signing: readonly SigningFinding[];
  readonly warnings: readonly string[];
  /** @throws ResealError MANIFEST_INVALID where the manifest and the project's files do not fit */
  check(manifest: Manifest): void;
}

interface Reading {
  readonly cwd: string;
  readonly folder: string;
  readonly files: ProjectFiles;
  readonly profiles: readonly ProfileDescription[];
  readonly policy: Policy;
}

/**
 * Apps by `apps.yaml` of the folder, by a project, or by both where they agree.
 * @throws ResealError FILE_UNREADABLE, CONFIG_INVALID, PROJECT_INVALID, MANIFEST_INVALID, NOT_FOUND, USAGE
 */
export async function appsOf({ cwd, folder, files, profiles, policy }: Reading): Promise<FolderApps> {
  const exports = await Promise.all(files.exportOptions.map((path) => readExportOptions(resolve(cwd, path), path)));
  const exported = exports.flatMap((options) => reviewExport(options, policy.specifiers));
  const mismatchesOf = (manifest: Manifest): readonly string[] => exports.flatMap((options) => exportMismatches(manifest, options));
  if (files.project === undefined) {
    refuseConfigurationsAlone(files);
    const apps = declaredApps(folder);
    if (apps === null) throw missingApps(folder);
    return { apps, origin: ofFile(), signing: exported, warnings: [], check: (manifest) => refuse(mismatchesOf(manifest), 'apps.yaml') };
  }
  const project = await readXcodeProject(resolve(cwd, files.project));
  const configurations = chosenConfigurations(project, files.configuration);
  const declared = declaredApps(folder);
  const found = appsOfProject(project, { configurations, profiles, declared });
  if (declared !== null) refuse(appsDisagreements(declared, found.apps, project.name), `apps.yaml and ${project.name}`);
  return {
    apps: declared ?? found.apps,
    origin: ofProject(project, configurations, found),
    signing: [...reviewSigning(found.targets, policy.specifiers), ...exported],
    warnings: warningsOf(project, configurations, found),
    check: (manifest) => refuse([...teamMismatches(manifest.profiles, found.targets), ...mismatchesOf(manifest)], project.name),
  };
}

function declaredApps(folder: string): Apps | null {
  const path = join(folder, 'apps.yaml');
  const source = readSource(path, path);
  if (source === null) return null;
  if (source.findings.length > 0)
    throw new ResealError('CONFIG_INVALID', `${path} cannot be read as YAML.`, { details: source.findings.map(describeFinding) });
  const parsed = AppsSchema.safeParse(source.file.value);
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map((issue) => `${path}: ${issue.path.join('.')}: ${issue.message}`);
  throw new ResealError('CONFIG_INVALID', `${path} is not of the form that it should have.`, { details });
}

const missingApps = (folder: string): ResealError =>
  new ResealError(
    'FILE_UNREADABLE',
    `${join(folder, 'apps.yaml')} is missing. It says what no profile tells: apps: {courier: {com.acme.courier: {role: host, targets: [Courier]}}}. An Xcode project says it too: --project PATH.`,
  );

function refuse(problems: readonly string[], what: string): void {
  if (problems.length === 0) return;
  throw new ResealError('MANIFEST_INVALID', `Profiles, ${what} and what builds are told do not fit together: ${problems.join('; ')}.`, {
    details: problems,
  });
}

const ofFile = (): AppsOrigin => ({ name: 'apps.yaml', identityOf: () => null, unnamed: () => '' });

function ofProject(project: ProjectSigning, configurations: readonly string[], { targets }: ProjectApps): AppsOrigin {
  return {
    name: `${project.name} (${configurations.join(', ')})`,
    identityOf: (bundleId) => targets.find((target) => target.bundleId?.value === bundleId)?.identity?.value ?? null,
    unnamed: (profile) => {
      const others = elsewhere(project, profile.bundleId);
      return others.length === 0 ? '' : `: it is the bundle id of configuration ${others.join(', ')}`;
    },
  };
}

function warningsOf(project: ProjectSigning, configurations: readonly string[], { targets, without }: ProjectApps): readonly string[] {
  const said = gapsIn(project, configurations, targets).map((gap) => `${placeOf(gap)}: ${gap.found}; ${gap.next}`);
  const left = without.map(
    (app) => `app ${app} of ${basename(project.name)} is left out: no profile is for it or anything that it carries`,
  );
  return [...new Set([...said, ...left])];
}
