import { cpSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDeclaredStore } from '../../activities/manifest-store/declared.js';
import { loadConfiguration } from '../../src/configuration/load.js';
import type { AuditHead } from '../../src/domain/audit/record.js';
import type { AuditExportView, AuditTailView, AuditVerdictView } from '../../src/presenters/audit.js';
import { holdChain, type HeldChain } from '../../src/temporal/audit/hold-chain.js';
import { intent, linesIn, newKey, overwrite } from '../audit/chains.js';
import { temporaryFolder } from '../setup/temporary-folder.js';
import { reseal, type Ran } from './terminal.js';

const EXAMPLE = new URL('../configuration/example', import.meta.url).pathname;
let root: string;
let config: string;
let home: string;
let head: AuditHead;
const audit = (...argv: readonly string[]): Promise<Ran> => reseal(['audit', ...argv, '--home', home, '--config', config], { cwd: root });
const chain = (): string => join(home, 'audit', 'worker-1');

/** A chain of a home, and a rotation's closing record that anchors it. */
beforeAll(async () => {
  root = temporaryFolder('reseal-audit-cli');
  config = join(root, 'config');
  home = join(root, 'home');
  cpSync(EXAMPLE, config, { recursive: true });
  const key = newKey();
  const held = await take(key);
  for (const effect of ['openRotation', 'advanceHead', 'closeRotation'])
    head = await held.writer.append(intent(effect, { line: 'ios-main', rotation: 'ios-main-1', to: 'a'.repeat(64) }));
  await held.release();
  const { reseal: declared } = loadConfiguration(config);
  const store = await openDeclaredStore(declared, Object.keys(declared.stores)[0] ?? '', home);
  await store.create();
  await store.putRecord('ios-main-1', { schemaVersion: 1, state: { audit: [head] } }, {});
  await store.close();
});
afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});
const take = (key: ReturnType<typeof newKey> | null): Promise<HeldChain> =>
  holdChain(join(home, 'audit'), { kind: 'worker', name: 'desk' }, () => Promise.resolve(key));

it('verify says of each chain whether it is whole, how far it is signed and anchored (exit 0)', async () => {
  const { exit, stdout } = await audit('verify', '--json');
  const { verdict, chains } = JSON.parse(stdout) as AuditVerdictView;
  expect([exit, verdict]).toEqual([0, 'whole']);
  expect(chains).toEqual([expect.objectContaining({ chain: head.chain, records: 4, sealedUpTo: 4, anchoredUpTo: 4, findings: [] })]);
  expect((await audit('verify')).stdout).toMatch(/^chain +verdict +records +signed +anchored +last record\n.*whole +4 +to 4 +to 4/);
});

it('verify names what is wrong with a chain, and what is not there at all (exit 1)', async () => {
  const kept = linesIn(chain());
  overwrite(chain(), kept.slice(0, -2));
  const cut = await audit('verify');
  expect(cut.exit).toBe(1);
  expect(cut.stdout).toContain('truncated: record 4 is gone at the end: the closing record of ios-main-1 knows the chain up to record 4');

  const other = await holdChain(join(root, 'other', 'audit'), { kind: 'worker', name: 'other' }, () => Promise.resolve(null));
  await other.release();
  rmSync(chain(), { recursive: true });
  cpSync(join(root, 'other', 'audit', 'worker-1'), chain(), { recursive: true });
  const replaced = await audit('verify');
  expect(replaced.exit).toBe(1);
  expect(replaced.stdout).toContain(`The chain ${head.chain} is not here`);
  expect((await audit('verify', '--here')).exit).toBe(0);
  rmSync(chain(), { recursive: true });
  mkdirSync(chain());
  overwrite(chain(), kept);
});

it('verify takes no chain at all for a mistake (exit 2), and one that is being written as it is', async () => {
  const empty = mkdtempSync(join(root, 'empty-'));
  const none = await reseal(['audit', 'verify', '--home', empty, '--config', config], { cwd: root });
  expect([none.exit, none.stderr]).toEqual([2, expect.stringContaining('There is no audit chain in')]);
  const held = await take(newKey());
  await held.writer.append(intent('notify'));
  const written = await audit('verify');
  expect(written.exit, written.stdout + written.stderr).toBe(0);
  await held.release();
});

it('tail shows the last records, of one rotation where that is asked for', async () => {
  const { stdout } = await audit('tail', '--count', '2', '--rotation', 'ios-main-1', '--json');
  const { records } = JSON.parse(stdout) as AuditTailView;
  expect(records.map((record) => ('effect' in record ? record.effect : ''))).toEqual(['advanceHead', 'closeRotation']);
  expect((await audit('tail')).stdout).toMatch(/advanceHead +line=ios-main rotation=ios-main-1 to=aaaaaaaaaaaa\n/);
});

it('export copies chains and anchored heads, and what it has made is verified without home and store', async () => {
  const { exit, stdout } = await audit('export', 'copy', '--json');
  const made = JSON.parse(stdout) as AuditExportView;
  expect([exit, made.anchors, made.chains.map((one) => one.chain)]).toEqual([0, 1, [head.chain]]);
  expect((await audit('export', 'copy')).exit).toBe(2);
  const alone = (folder: string): Promise<Ran> => reseal(['audit', 'verify', folder, '--home', join(root, 'nowhere')], { cwd: root });
  expect((await alone('copy')).exit).toBe(0);
  const copy = join(root, 'copy', 'worker-1');
  overwrite(copy, linesIn(copy).slice(0, 3));
  const cut = await alone('copy');
  expect([cut.exit, cut.stdout]).toEqual([1, expect.stringContaining('truncated: record 4')]);
});

it('T4: chains of nodes are verified, shown and copied where they lie; those that are not here are counted, unless one of the same node is', async () => {
  const state = join(root, 'state', 'audit');
  const agent = await holdChain(state, { kind: 'agent', name: 'mac-1' }, () => Promise.resolve(newKey()));
  const last = await agent.writer.append(intent('stageNode', { rotation: 'ios-main-2' }));
  await agent.release();
  const { reseal: declared } = loadConfiguration(config);
  const store = await openDeclaredStore(declared, Object.keys(declared.stores)[0] ?? '', home);
  await store.putRecord('ios-main-2', { schemaVersion: 1, state: { audit: [head, last] } }, {});
  await store.close();
  const atHome = await audit('verify');
  expect([atHome.exit, atHome.stdout]).toEqual([0, expect.stringContaining('not verified here: 1 of agents and gateways')]);
  const there = await audit('verify', state, '--here', '--json');
  const { chains } = JSON.parse(there.stdout) as AuditVerdictView;
  expect([there.exit, chains.map(({ chain: name, anchoredUpTo }) => [name, anchoredUpTo])]).toEqual([0, [[last.chain, last.seq]]]);
  expect((await audit('tail', '--folder', state)).stdout).toContain('stageNode');
  const copied = JSON.parse((await audit('export', 'copy-of-state', '--folder', state, '--json')).stdout) as AuditExportView;
  expect([copied.anchors, copied.chains.map((one) => one.chain)]).toEqual([1, [last.chain]]);
  expect((await audit('verify', 'copy-of-state')).exit).toBe(0);

  rmSync(join(state, 'agent-1'), { recursive: true });
  await (await holdChain(state, { kind: 'agent', name: 'mac-1' }, () => Promise.resolve(null))).release();
  const anew = await audit('verify', state);
  expect([anew.exit, anew.stdout]).toEqual([1, expect.stringContaining(`The chain ${last.chain} is not here`)]);
});
