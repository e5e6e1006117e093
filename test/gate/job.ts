import { chmodSync, writeFileSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { temporaryFolder } from '../setup/temporary-folder.js';
import { GATE, run, type Answer } from './gated-node.js';

/** What a Mac without identities prints (identity_find.m). */
const NO_IDENTITIES = '     0 valid identities found\n';

/** A node that is a folder, and has no tools of a Mac: what a job there sees of it. */
export interface JobPlace {
  readonly home: string;
  readonly node: string;
  /** Default: below the home, where a simulated node has them. */
  readonly base?: string;
  /** Where topology.yaml has it. Default: the region of the node of test/node/mesh.ts. */
  readonly region?: string;
}

let tools: string | undefined;

/** A folder for the PATH, with the one of a Mac's tools that the gate asks. */
function toolsWithoutIdentities(): string {
  const bin = temporaryFolder('reseal-job-bin');
  writeFileSync(join(bin, 'security'), `#!/bin/sh\nprintf '${NO_IDENTITIES.replace('\n', '\\n')}'\n`);
  chmodSync(join(bin, 'security'), 0o755);
  return bin;
}

/** The gate as a build on the node calls it. */
export async function gateOn(place: JobPlace, args: readonly string[]): Promise<Answer> {
  const { home, node, base = join(home, 'usr/local/var/reseal') } = place;
  const env = {
    PATH: `${(tools ??= toolsWithoutIdentities())}:${process.env['PATH'] ?? ''}`,
    HOME: home,
    RESEAL_MOUNT: join(base, 'mount'),
    RESEAL_STATE: join(base, 'state'),
    RESEAL_NODE: node,
  };
  const ran = await run(process.execPath, [GATE, ...args], env, home);
  return { ...ran, log: JSON.parse(ran.stdout) as Answer['log'] };
}

export const expecting = (manifest: string, region = 'eu-west'): readonly string[] => [
  '--expect-manifest',
  manifest,
  '--expect-signing',
  createHash('sha256').update(NO_IDENTITIES).digest('hex'),
  '--region',
  region,
];

/** A build begins: the gate passes, and its manifest is pinned. */
export async function pin(place: JobPlace, job: string, manifest: string, more: readonly string[] = []): Promise<Answer> {
  const answer = await gateOn(place, [...expecting(manifest, place.region), '--pin', job, ...more]);
  if (answer.exit !== 0) throw new Error(`the gate did not pass: ${answer.stderr}`);
  return answer;
}

/** And ends. */
export async function unpin(place: JobPlace, job: string): Promise<Answer> {
  const answer = await gateOn(place, ['--unpin', job]);
  if (answer.exit !== 0) throw new Error(`the pin was not given back: ${answer.stderr}`);
  return answer;
}
