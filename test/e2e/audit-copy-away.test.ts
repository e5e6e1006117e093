import { mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { faults, linesIn, verified } from '../audit/chains.js';
import { until } from '../setup/until.js';
import { Interference } from './interference.js';
import { RotatingMesh } from './rotating-mesh.js';

let mesh: RotatingMesh;
let copies: string;
const interference = new Interference();

beforeAll(async () => {
  mesh = await RotatingMesh.start({
    nodes: simulatedNodes(3),
    decorate: interference.decorate,
    changed: ({ folders }) => {
      copies = join(folders.root, 'copies');
      const file = join(folders.config, 'reseal.yaml');
      const declared = parse(readFileSync(file, 'utf8')) as object;
      writeFileSync(file, stringify({ ...declared, audit: { sinks: { elsewhere: { kind: 'file', path: copies } } } }));
      return Promise.resolve();
    },
  });
}, 240_000);
afterAll(() => mesh.stop());

it('T4: a sink that goes down in the middle of a rollback holds up nothing on the way back, and everything forward until it is back', async () => {
  await mesh.rotate();
  await mesh.untilGate();
  let down = false;
  interference.before = (operation) => {
    if (operation !== 'switch' || down) return;
    down = true;
    renameSync(copies, `${copies}.away`);
    writeFileSync(copies, 'nothing is mounted here');
  };
  await mesh.tell('rollback', 'ada');
  expect((await mesh.result()).outcome).toBe('rolled-back');
  expect(down).toBe(true);

  const handle = await mesh.rotate();
  const waits = async () => {
    const { raw } = await handle.describe();
    return (raw.pendingActivities ?? []).some(({ lastFailure }) => lastFailure?.applicationFailureInfo?.type === 'AUDIT_SINK_DOWN');
  };
  await until(waits, { what: 'an activity that waits for the sink', timeout: 60_000 });
  expect((await mesh.ledger.rotations({ line: mesh.mesh.line })).map(({ id }) => id)).toEqual(['ios-main-1']);

  rmSync(copies);
  mkdirSync(copies);
  for (const name of readdirSync(`${copies}.away`)) renameSync(join(`${copies}.away`, name), join(copies, name));
  await mesh.approve('ada', 'grace');
  expect((await mesh.result()).outcome).toBe('completed');
  const [chain = ''] = readdirSync(copies);
  const original = join(mesh.mesh.folders.root, 'audit', 'worker-1');
  const whole = async () => {
    const read = await verified(join(copies, chain));
    const isWhole = linesIn(join(copies, chain)).join('\n') === linesIn(original).join('\n') && read.seal?.seal.seq === read.records;
    return isWhole && read;
  };
  expect(faults(await until(whole, { what: 'a copy that has all, sealed', timeout: 20_000 }))).toEqual([]);
}, 300_000);
