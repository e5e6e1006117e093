import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ClosingRecord } from '../../activities/rotation/contract.js';
import type { AuditRecord } from '../../src/domain/audit/record.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { faults, linesIn, overwrite, verified } from '../audit/chains.js';
import { until } from '../setup/until.js';
import { Interference } from './interference.js';
import { RotatingMesh } from './rotating-mesh.js';

let mesh: RotatingMesh;
const interference = new Interference();
const chain = (): string => join(mesh.mesh.folders.root, 'audit', 'worker-1');
const recordsNow = (): readonly AuditRecord[] =>
  linesIn(chain())
    .filter((line) => !line.startsWith('{"seal"'))
    .map((line) => JSON.parse(line) as AuditRecord);

beforeAll(async () => {
  mesh = await RotatingMesh.start({ nodes: simulatedNodes(3), decorate: interference.decorate });
});
afterAll(() => mesh.stop());

it('T4: every outside effect of a rotation leaves an intent before it and a result after it, in one chain that verifies', async () => {
  const unannounced: string[] = [];
  interference.before = (operation, node) => {
    const announced = recordsNow().some(
      (record) => record.kind === 'intent' && record.effect === `${operation}Node` && record.facts['node'] === node,
    );
    if (!announced && operation !== 'inspect') unannounced.push(`${operation} ${node}`);
  };
  await mesh.rotate();
  await mesh.approve('ada', 'grace');
  expect((await mesh.result()).outcome).toBe('completed');
  expect(unannounced).toEqual([]);

  const sealed = async () => {
    const read = await verified(chain());
    return read.records > 20 && read.seal?.seal.seq === read.records && read;
  };
  const read = await until(sealed, { what: 'a chain that is sealed to its end', timeout: 20_000 });
  expect(faults(read)).toEqual([]);
  const records = recordsNow();
  const intents = records.filter((record) => record.kind === 'intent');
  const results = records.filter((record) => record.kind === 'result');
  expect(results.map(({ of }) => of).sort((a, b) => a - b)).toEqual(intents.map(({ seq }) => seq));
  const effects = new Map<string, number>();
  for (const { effect } of intents) effects.set(effect, (effects.get(effect) ?? 0) + 1);
  for (const node of ['stageNode', 'switchNode', 'retireNode']) expect(effects.get(node), node).toBe(3);
  for (const desk of ['openRotation', 'findSuccessors', 'prepareRotation', 'advanceHead', 'closeRotation']) expect(effects.get(desk), desk).toBe(1);
  expect(results.find(({ effect }) => effect === 'advanceHead')?.facts).toEqual({ moved: 'true', seq: 2 });

  const text = readdirSync(chain()).map((name) => readFileSync(join(chain(), name), 'utf8')).join('');
  expect(text).not.toMatch(/PRIVATE KEY|password|"token"/i);
}); // prettier-ignore

it('T4: the rotation has anchored the chain, in its closing record and in the ledger: its last record cannot be cut off unnoticed', async () => {
  const record = (await mesh.around.store('main').record('ios-main-1')) as ClosingRecord;
  const heads = record.state.audit ?? [];
  expect(heads.map(({ chain: name }) => name)).toEqual([recordsNow()[0]?.chain]);
  expect(heads[0]?.seq).toBeGreaterThan(recordsNow().findLast(({ kind, ...rest }) => kind === 'intent' && 'effect' in rest && rest.effect === 'retireNode')?.seq ?? Infinity);
  expect((await until(async () => { const status = await mesh.ledger.rotation('ios-main-1'); return status?.outcome === 'completed' && status; }, { timeout: 10_000 })).audit).toEqual(heads);

  const known = heads.map((head) => ({ ...head, from: 'the closing record of ios-main-1' }));
  expect(faults(await verified(chain(), known))).toEqual([]);
  const kept = linesIn(chain()).filter((line) => !line.startsWith('{"seal"') && (JSON.parse(line) as AuditRecord).seq < (heads[0]?.seq ?? 0));
  const copy = join(mesh.folder, 'cut-off');
  overwrite(copy, kept);
  const { findings } = await verified(copy, known);
  expect(findings.map(({ fault, seq }) => [fault, seq])).toContainEqual(['truncated', heads[0]?.seq]);
}); // prettier-ignore
