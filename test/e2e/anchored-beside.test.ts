import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { ClosingRecord } from '../../activities/rotation/contract.js';
import type { AuditRecord } from '../../src/domain/audit/record.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { openBreakGlassLog, openChain } from '../../src/temporal/audit/worker-log.js';
import { faults, linesIn, overwrite, verified } from '../audit/chains.js';
import { RotatingMesh } from './rotating-mesh.js';

let mesh: RotatingMesh;
beforeAll(async () => {
  mesh = await RotatingMesh.start({ nodes: simulatedNodes(3) });
});
afterAll(() => mesh.stop());

it('T4: a rotation anchors the chains beside its worker’s, of the API and of what people did there: cut off or changed, they are found out', async () => {
  const home = mesh.mesh.folders.root;
  const configuration = mesh.around.configuration();
  const api = await openChain('api', home, configuration);
  for (const route of ['pause', 'resume']) {
    const { end } = await api.log.begin({ effect: `POST /v1/rotations/{id}/${route}`, attempt: 1, way: 'back', facts: { person: 'ada' } });
    await end('done', null, { status: 200 });
  }
  const glass = await openBreakGlassLog(home, configuration, {});
  const { end } = await glass.log.begin({ effect: 'restoreUnasked', attempt: 1, way: 'back', facts: { node: 'mac-01' } });
  await end('done', null, {});
  await glass.close();
  await mesh.rotate();
  await mesh.approve('ada', 'grace');
  expect((await mesh.result()).outcome).toBe('completed');
  await api.close();

  const record = (await mesh.around.store('main').record('ios-main-1')) as ClosingRecord;
  const known = (record.state.audit ?? []).map((head) => ({ ...head, from: 'the closing record of ios-main-1' }));
  expect(known).toHaveLength(3);
  for (const kind of ['api', 'break-glass']) {
    const folder = join(home, 'audit', `${kind}-1`);
    const heads = known.filter(({ chain }) => chain.startsWith(`${kind}-`));
    expect(heads, kind).toHaveLength(1);
    expect(faults(await verified(folder, heads)), kind).toEqual([]);
    // Without any seal, as by somebody who has the key and seals anew: only the anchor knows.
    const lines = linesIn(folder).filter((line) => !line.startsWith('{"seal"'));
    const last = heads[0]?.seq ?? 0;
    const copy = join(mesh.folder, `${kind}-cut-off`);
    overwrite(copy, lines.filter((line) => (JSON.parse(line) as AuditRecord).seq < last)); // prettier-ignore
    expect(faults(await verified(copy, heads)), kind).toContain(`truncated ${last}`);
    overwrite(copy, lines.map((line) => line.replace(/"at":"\d{4}/, '"at":"1999'))); // prettier-ignore
    expect(faults(await verified(copy, heads)), kind).toContain(`changed ${last}`);
  }
}, 180_000);
