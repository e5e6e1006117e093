import { spawn } from 'node:child_process';
import { copyFileSync, existsSync, openSync, closeSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { ResealError } from '../../domain/errors.js';
import { askOwner } from '../../node-shell/socket/ask.js';
import type { Pen } from '../../presenters/rotation-text.js';
import { askAliases } from '../../sidecar/client.js';
import { readKeys } from '../../sidecar/keys.js';
import { sidecarFolders } from '../../simulator/mesh/sidecar.js';
import { endProcess, startTimeOf } from '../../temporal/process-identity.js';

/** How long it may take to answer for the first time, in milliseconds. */
const PATIENCE = 60_000;
const LOOK_EVERY = 50;

const record = z.object({ pid: z.number(), startTime: z.string() });
const recordFile = (home: string): string => join(home, 'sidecar.json');

/** Whether this demo has a signing sidecar. */
export const hasSidecar = (home: string): boolean => existsSync(sidecarFolders(home).file);

/**
 * Starts the demo's signing sidecar, a process of its own as in real life; that of a demo that was killed is ended first.
 * @param program what runs `reseal`: the script's path
 */
export async function startDemoSidecar(home: string, program: string, env: NodeJS.ProcessEnv): Promise<void> {
  await stopDemoSidecar(home);
  const { file } = sidecarFolders(home);
  const log = openSync(join(home, 'sidecar.log'), 'a', 0o600);
  const child = spawn(process.execPath, [...process.execArgv, program, 'sidecar', 'run', '--file', file], { env, stdio: ['ignore', log, log], detached: true }); // prettier-ignore
  closeSync(log);
  child.unref();
  const startTime = child.pid === undefined ? null : startTimeOf(child.pid);
  if (child.pid === undefined || startTime === null) throw notStarted(home);
  writeFileSync(recordFile(home), `${JSON.stringify({ pid: child.pid, startTime })}\n`);
  const { socket } = readKeys(file);
  for (const deadline = Date.now() + PATIENCE; 'away' in (await askAliases(askOwner, socket, PATIENCE));) {
    if (child.exitCode !== null || Date.now() > deadline) throw notStarted(home);
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY));
  }
}

const notStarted = (home: string): ResealError =>
  new ResealError('SIDECAR_UNREACHABLE', `The demo's signing sidecar did not start. Its log is ${join(home, 'sidecar.log')}.`);

/** Ends the sidecar that `<home>/sidecar.json` names, if it is still that very process. */
export async function stopDemoSidecar(home: string): Promise<void> {
  if (!existsSync(recordFile(home))) return;
  const parsed = record.safeParse(JSON.parse(readFileSync(recordFile(home), 'utf8')));
  if (parsed.success) await endProcess(parsed.data);
  rmSync(recordFile(home), { force: true });
}

/** Adds the aliases of new certificates, as people do before a rotation that brings one. @returns those that are new, and those that were there */
export function addNextAliases(home: string): { readonly added: readonly string[]; readonly before: readonly string[] } {
  const { file, next } = sidecarFolders(home);
  const before = [...readKeys(file).aliases.keys()];
  copyFileSync(next, `${file}.new`);
  renameSync(`${file}.new`, file);
  return { added: [...readKeys(file).aliases.keys()].filter((alias) => !before.includes(alias)), before };
}

/** By its index of signatures: which alias signed on a node at first, and which one last. */
export interface SignedBy {
  readonly node: string;
  readonly first: string;
  readonly last: string;
  readonly signatures: number;
}

const line = z.object({ by: z.string(), alias: z.string() });

export function readSignedBy(home: string): readonly SignedBy[] {
  const { index } = readKeys(sidecarFolders(home).file);
  const records = existsSync(index) ? readFileSync(index, 'utf8').split('\n').filter(Boolean).map((text) => line.parse(JSON.parse(text))) : []; // prettier-ignore
  const byNode = new Map<string, string[]>();
  for (const { by, alias } of records) {
    const node = /^canary of (\S+) in /.exec(by)?.[1] ?? by;
    byNode.set(node, [...(byNode.get(node) ?? []), alias]);
  }
  return [...byNode]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([node, all]) => ({ node, first: all[0] ?? '', last: all.at(-1) ?? '', signatures: all.length }));
}

export const signedByText = (all: readonly SignedBy[], pen: Pen): string[] =>
  pen.table(
    ['NODE', 'SIGNED AT FIRST BY', 'SIGNED LAST BY', 'SIGNATURES'],
    all.map(({ node, first, last, signatures }) => [node, first, last, String(signatures)]),
  );
