import type { CheckResult } from '../../../src/domain/node/probe.js';
import { ResealError } from '../../../src/domain/errors.js';
import { inspectProfile } from '../../../src/profile/index.js';
import { PROFILE_FOLDERS } from '../paths.js';
import { judged, type Observed } from './check.js';

/** A folder that is a link elsewhere: what is put there reaches some other folder, which cleaners or other accounts may own. */
export async function profileFolders({ session }: Observed): Promise<CheckResult> {
  const problems: string[] = [];
  for (const folder of session.node.profileFolders) {
    const path = PROFILE_FOLDERS[folder];
    if ((await session.files.readLink(path)) !== null)
      problems.push(`${path} is a link to another place; replace it by a folder, so that Xcode and reseal see the same`);
  }
  return judged(session, 'profile-folders', problems, 'the folders that Xcode reads are folders');
}

/** How many files that no manifest names are read for their profile's name; each is a request. */
const MOST_READ = 20;

/** Two profiles of one name: a specifier by name then takes whichever Xcode likes. A failure only where such specifiers are allowed. */
export async function profileNames(observed: Observed): Promise<CheckResult> {
  const { session, strays, known, findings } = observed;
  const uuids = new Map<string, Set<string>>();
  const add = (name: string, uuid: string): unknown => uuids.set(name, (uuids.get(name) ?? new Set()).add(uuid));
  for (const { name, uuid } of known) add(name, uuid);
  for (const path of strays.slice(0, MOST_READ)) {
    const found = await session.files.read(path);
    const profile = found.kind === 'file' ? described(found.bytes) : null;
    if (profile !== null) add(profile.name, profile.uuid);
  }
  const problems = [...uuids].filter(([, all]) => all.size > 1).map(([name, all]) => `${all.size} profiles are named ${JSON.stringify(name)}; name profiles by UUID in builds, or remove the old ones`); // prettier-ignore
  const evidence = { names: problems.length, unread: Math.max(0, strays.length - MOST_READ) };
  if (session.policy.specifiers === 'warn')
    return { ...judged(session, 'profile-names', problems, 'no two profiles have one name'), evidence };
  findings.push(...problems.slice(0, 5));
  const reason =
    problems.length === 0 ? 'no two profiles have one name' : `${problems.length} names of several profiles, reported as findings`;
  return { check: 'profile-names', verdict: 'pass', reason, evidence };
}

function described(bytes: Uint8Array): { readonly name: string; readonly uuid: string } | null {
  try {
    return inspectProfile(bytes, { roots: [] }).profile;
  } catch (error) {
    if (error instanceof ResealError) return null;
    throw error;
  }
}
