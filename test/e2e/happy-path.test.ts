import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sha256Of } from '../../src/manifest/digest.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { RotatingMesh } from './rotating-mesh.js';

describe('a rotation on three nodes', () => {
  let mesh: RotatingMesh;
  beforeAll(async () => {
    mesh = await RotatingMesh.start({ nodes: simulatedNodes(3) });
  });
  afterAll(() => mesh.stop());

  it('goes from the successor to the retired UUID (R1, R2, R3, R4, R5, R9, R12)', async () => {
    await mesh.rotate();
    await mesh.approve('ada', 'grace');
    const end = await mesh.result();
    expect(end).toEqual({ id: 'ios-main-1', outcome: 'completed', reasons: [] });

    const head = await mesh.around.store('main').head(mesh.mesh.line);
    expect(head?.seq).toBe(2);
    for (const node of mesh.mesh.nodes) {
      const active = readFileSync(join(mesh.home(node.name), 'usr/local/var/reseal/mount/ios-main/profiles.json'));
      expect(sha256Of(active)).toBe(head?.digest);
    }
  });
});
