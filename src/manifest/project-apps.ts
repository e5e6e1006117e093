import { ResealError } from '../domain/errors.js';
import type { ManifestEntry } from '../domain/manifest.js';
import { patternCovers, type ProfileDescription } from '../domain/profile.js';
import { placeOf } from '../domain/project-review.js';
import type { ProjectSigning, SigningTarget } from '../domain/project-signing.js';
import type { Apps } from './assemble.js';

type Bundle = Apps['apps'][string][string];

/** What an Xcode project says in place of `apps.yaml`. */
export interface ProjectApps {
  readonly apps: Apps;
  /** The targets that it comes from. */
  readonly targets: readonly SigningTarget[];
  /** Apps of which no profile is there at all: not of this line. */
  readonly without: readonly string[];
}

export interface ProjectQuestion {
  readonly configurations: readonly string[];
  readonly profiles: readonly ProfileDescription[];
  /** `apps.yaml` where there is one: it may say what app an extension belongs to that nothing in the project carries. */
  readonly declared: Apps | null;
}

/**
 * Apps, roles and targets by bundle id, of the apps that some profile is for.
 * @throws ResealError MANIFEST_INVALID with every target that has no bundle id, or an app that is not to be told
 */
export function appsOfProject(project: ProjectSigning, { configurations, profiles, declared }: ProjectQuestion): ProjectApps {
  const chosen = project.targets.filter(({ configuration }) => configurations.includes(configuration));
  const covered = (target: SigningTarget): boolean =>
    profiles.some(({ bundleId }) => patternCovers(bundleId, target.bundleId?.value ?? ''));
  const wanted = new Set(chosen.filter(covered).flatMap(({ hosts, name }) => (hosts.length === 0 ? [name] : hosts)));
  const targets = chosen.filter(({ hosts, name }) => wanted.has(name) || hosts.some((host) => wanted.has(host)));
  const problems = targets.flatMap(problemsOf);
  const apps = new Map<string, Map<string, Bundle>>();
  const apart = new Map<string, SigningTarget>();
  for (const target of targets) {
    const bundleId = target.bundleId?.value;
    if (bundleId === undefined) continue;
    const first = apart.get(bundleId) ?? target;
    apart.set(bundleId, first);
    if (first.role !== target.role)
      problems.push(
        `${sayTarget(target)} is ${article(target.role)}, and ${first.name} of the same bundle id ${bundleId} is ${article(first.role)}`,
      );
    const app = appOf(first, targets) ?? declaredApp(declared, bundleId);
    if (app === null) {
      problems.push(
        `${sayTarget(target)} is carried by ${target.hosts.join(' and ') || 'no app of the project'}: say in apps.yaml which app ${bundleId} belongs to`,
      );
      continue;
    }
    const bundles = apps.get(app) ?? new Map<string, Bundle>();
    apps.set(app, bundles);
    const known = bundles.get(bundleId)?.targets ?? [];
    bundles.set(bundleId, { role: first.role, targets: known.includes(target.name) ? known : [...known, target.name] });
  }
  if (problems.length > 0)
    throw new ResealError('MANIFEST_INVALID', `${project.name} does not say what a manifest needs: ${problems.join('; ')}.`, {
      details: problems,
    });
  const without = new Set(chosen.flatMap(({ hosts }) => hosts).filter((host) => !wanted.has(host)));
  const plain = Object.fromEntries([...apps].map(([app, bundles]) => [app, Object.fromEntries(bundles)]));
  return { apps: { apps: plain }, targets, without: [...without] };
}

const declaredApp = (declared: Apps | null, bundleId: string): string | null =>
  Object.entries(declared?.apps ?? {}).find(([, bundles]) => bundles[bundleId] !== undefined)?.[0] ?? null;

const sayTarget = ({ name, configuration }: SigningTarget): string => `target ${name} (${configuration})`;
const article = (role: string): string => (role === 'extension' ? 'an extension' : `a ${role}`);

function problemsOf(target: SigningTarget): string[] {
  const gap = target.gaps.find(({ found }) => found.startsWith('PRODUCT_BUNDLE_IDENTIFIER '));
  if (gap !== undefined) return [`${sayTarget(target)}: ${gap.found} (${placeOf(gap)}); ${gap.next}`];
  const { bundleId } = target;
  if (bundleId === null)
    return [
      `${sayTarget(target)}: PRODUCT_BUNDLE_IDENTIFIER is not set (${placeOf(target)}); set it, also where Info.plist has the bundle id itself`,
    ];
  if (!/^[A-Za-z0-9.-]+$/.test(bundleId.value))
    return [
      `${sayTarget(target)}: PRODUCT_BUNDLE_IDENTIFIER is ${JSON.stringify(bundleId.value)} (${placeOf(bundleId)}), expected letters, digits, hyphens and full stops`,
    ];
  return [];
}

/** The app that a target belongs to: the one that carries it; of several the one whose bundle id its own begins with. */
function appOf(target: SigningTarget, targets: readonly SigningTarget[]): string | null {
  if (target.hosts.length < 2) return target.hosts[0] ?? null;
  const bundleOf = (host: string): string =>
    targets.find((one) => one.name === host && one.configuration === target.configuration)?.bundleId?.value ?? '';
  const fitting = target.hosts.filter((host) => bundleOf(host) !== '' && (target.bundleId?.value ?? '').startsWith(`${bundleOf(host)}.`));
  return fitting.length === 1 ? (fitting[0] ?? null) : null;
}

/** In which other configurations of a project a bundle id occurs: why its profile has no place in this manifest. */
export function elsewhere(project: ProjectSigning, bundleId: string): readonly string[] {
  const found = project.targets.filter((target) => target.bundleId?.value === bundleId).map(({ configuration }) => configuration);
  return [...new Set(found)];
}

/** Entries whose profile is of another team than the project states for one of their targets. */
export function teamMismatches(entries: readonly ManifestEntry[], targets: readonly SigningTarget[]): readonly string[] {
  return entries.flatMap((entry) =>
    targets
      .filter(
        ({ name, bundleId, team }) =>
          entry.targets.includes(name) && bundleId?.value === entry.bundleId && team !== null && team.value !== entry.team,
      )
      .map(({ team, ...target }) =>
        team === null
          ? ''
          : `${sayTarget({ team, ...target })}: DEVELOPMENT_TEAM is ${team.value} (${placeOf(team)}), and profile ${entry.profile.uuid} for ${entry.bundleId} is of team ${entry.team}`,
      ),
  );
}

/** Where `apps.yaml` and a project say different things: sentences without their full stop. Names of apps may differ, who belongs together may not. */
export function appsDisagreements(declared: Apps, ofProject: Apps, project: string): readonly string[] {
  const flat = ({ apps }: Apps): ReadonlyMap<string, Bundle & { readonly app: string }> =>
    new Map(
      Object.entries(apps).flatMap(([app, bundles]) =>
        Object.entries(bundles).map(([bundleId, bundle]) => [bundleId, { ...bundle, app }] as const),
      ),
    );
  const [mine, theirs] = [flat(declared), flat(ofProject)];
  const calledBy = new Map<string, string>();
  const sorted = (targets: readonly string[]): string => [...targets].sort().join(', ');
  const both = [...mine].flatMap(([bundleId, one]): string[] => {
    const other = theirs.get(bundleId);
    if (other === undefined) return [`apps.yaml names ${bundleId}, and no target of ${project} has that bundle id`];
    const called = calledBy.get(other.app) ?? one.app;
    calledBy.set(other.app, called);
    return [
      ...(one.role === other.role ? [] : [`${bundleId}: apps.yaml says role ${one.role}, ${project} ${other.role}`]),
      ...(sorted(one.targets) === sorted(other.targets)
        ? []
        : [`${bundleId}: apps.yaml says targets ${sorted(one.targets)}, ${project} ${sorted(other.targets)}`]),
      ...(called === one.app
        ? []
        : [`${bundleId}: apps.yaml puts it into ${one.app}, ${project} into ${other.app}, which apps.yaml calls ${called}`]),
    ];
  });
  const missing = [...theirs].filter(([bundleId]) => !mine.has(bundleId));
  return [
    ...both,
    ...missing.map(([bundleId, { targets }]) => `${project} has ${bundleId} (target ${sorted(targets)}), which apps.yaml does not name`),
  ];
}
