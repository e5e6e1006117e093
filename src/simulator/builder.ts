import { createHash } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'plist';
import { PROFILE_FOLDERS } from '../../activities/node/paths.js';
import type { ProfileFolder } from '../domain/topology.js';

export interface BuildersRequest {
  /**
   * The nodes' home folders; a simulated node's root and `~` are both its home. `profiles`: the node's pointer on a published volume, on the node, as
   * RESEAL_PROFILES tells it to jobs.
   */
  readonly homes: readonly { readonly name: string; readonly path: string; readonly profiles?: string }[];
  /** As in the topology, on the node. */
  readonly mount: string;
  readonly line: string;
  readonly folders: readonly ProfileFolder[];
  /** Milliseconds that a build takes at most between resolving the manifest and reading what it names. */
  readonly maxWait: number;
  /**
   * The policy's `retirement.maxBuildDuration`, in milliseconds: a build that took longer, because this machine was busy, is outside the
   * promise; it counts as `late` and its findings do not. Default: every build counts.
   */
  readonly maxBuildDuration?: number;
  /** What an earlier run of the same builders has counted; counting goes on from there. */
  readonly from?: BuildersEnd;
}

export interface BuildersEnd {
  readonly builds: number;
  /** Profile files that were read and compared. */
  readonly checks: number;
  readonly late: number;
  /** A sentence each: node, file, what was found. */
  readonly failures: readonly string[];
}

export interface Builders {
  /** What has been counted so far. */
  count(): BuildersEnd;
  /** Ends every loop after the build that it is in. */
  stop(): Promise<BuildersEnd>;
}

/** As many failures as are told; the first ones say it all. */
const MOST_FAILURES = 50;

/**
 * Jobs as they run on a build node, one after the other on every node: resolve the active manifest once, take a while, then sign with
 * what its settings name. During a rotation and during a rollback, whatever fails in them, no job may find anything missing.
 */
export function startBuilders(request: BuildersRequest): Builders {
  const { builds = 0, checks = 0, late = 0, failures = [] } = request.from ?? {};
  const counted = { builds, checks, late, failures: [...failures] };
  const ended = { yet: false };
  const loop = async (home: BuildersRequest['homes'][number]): Promise<void> => {
    while (!ended.yet) {
      const began = performance.now();
      const { checks: checked, problems } = await build(request, home);
      counted.builds += 1;
      counted.checks += checked;
      if (performance.now() - began > (request.maxBuildDuration ?? Number.POSITIVE_INFINITY)) counted.late += 1;
      else
        counted.failures.push(...problems.map((problem) => `${home.name}: ${problem}`).slice(0, MOST_FAILURES - counted.failures.length));
    }
  };
  const loops = request.homes.map(loop);
  const count = (): BuildersEnd => ({ ...counted, failures: [...counted.failures] });
  return {
    count,
    stop: async () => {
      ended.yet = true;
      await Promise.all(loops);
      return count();
    },
  };
}

interface Build {
  readonly checks: number;
  readonly problems: readonly string[];
}

const failed = (problem: string): Build => ({ checks: 0, problems: [problem] });

async function build(request: BuildersRequest, { path: home, profiles }: BuildersRequest['homes'][number]): Promise<Build> {
  const root = join(home, request.mount, request.line);
  const active = read(profiles === undefined ? join(root, 'profiles.json') : join(home, profiles));
  await sleep(1 + Math.random() * request.maxWait);
  if (active === null) return failed('profiles.json is missing');
  const digest = sha256(active);
  const manifest = read(join(root, 'manifests', `${digest}.json`));
  if (manifest === null) return failed(`manifests/${digest}.json is missing, and it was the active one`);
  if (sha256(manifest) !== digest) return failed(`manifests/${digest}.json has SHA-256 ${sha256(manifest)}`);
  const named = namedBySettings(join(root, 'settings', digest));
  if (named.length === 0) return failed(`settings/${digest} name no profile, and it was the active one`);
  const digests = digestsOf(manifest);
  const problems: string[] = [];
  let checks = 0;
  for (const uuid of named) {
    const expected = digests.get(uuid);
    if (expected === undefined) problems.push(`settings/${digest} name ${uuid}, which the manifest does not have`);
    for (const folder of request.folders) {
      checks += 1;
      const path = `${PROFILE_FOLDERS[folder].replace('~/', '')}/${uuid}.mobileprovision`;
      const bytes = read(join(home, path));
      if (bytes === null) problems.push(`${path} is missing, named by settings/${digest}`);
      else if (sha256(bytes) !== expected) problems.push(`${path} has SHA-256 ${sha256(bytes)}, expected ${expected ?? 'nothing'}`);
    }
  }
  return { checks, problems };
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Null where it is missing or cannot be read: a build could not read it either. Synchronous: such small files cost the thread pool more than the calls. */
function read(path: string): Uint8Array | null {
  try {
    return readFileSync(path);
  } catch {
    return null;
  }
}

/** Of all files below; none where the folder is missing or cannot be read. */
function namesBelow(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
}

function digestsOf(manifest: Uint8Array): ReadonlyMap<string, string> {
  const { profiles } = JSON.parse(Buffer.from(manifest).toString('utf8')) as { profiles: { profile: { uuid: string; sha256: string } }[] };
  return new Map(profiles.map(({ profile }) => [profile.uuid, profile.sha256]));
}

/** Every UUID that xcodebuild would be told: by the xcconfig for compiling, by ExportOptions.plist for exporting. */
function namedBySettings(folder: string): readonly string[] {
  const uuids = new Set<string>();
  for (const file of namesBelow(folder)) {
    const bytes = read(join(folder, file));
    if (bytes === null) continue;
    const text = Buffer.from(bytes).toString('utf8');
    if (file.endsWith('reseal.xcconfig')) for (const [, uuid] of text.matchAll(/^RESEAL_PROFILE_\w+ = (\S+)$/gm)) uuids.add(uuid ?? '');
    if (file.endsWith('ExportOptions.plist')) for (const uuid of Object.values(provisioningProfiles(text))) uuids.add(uuid);
  }
  return [...uuids].sort();
}

/** By their text: thousands of builds read the same few. */
const exportOptions = new Map<string, Readonly<Record<string, string>>>();

function provisioningProfiles(text: string): Readonly<Record<string, string>> {
  const known = exportOptions.get(text);
  if (known !== undefined) return known;
  const { provisioningProfiles: read = {} } = parse(text) as { provisioningProfiles?: Record<string, string> };
  exportOptions.set(text, read);
  return read;
}
