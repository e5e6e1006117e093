import { copyFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { prepareRotation } from '../../activities/rotation/prepare.js';
import type { LineName, PersonId } from '../../src/domain/brands.js';
import type { CreatedMesh } from '../../src/simulator/mesh/create.js';
import { createRealMesh, REAL_DATE } from '../../src/simulator/mesh/real.js';
import { openSurroundings, type OpenSurroundings } from '../../src/temporal/surroundings.js';
import { APPLE_PROFILES, appleProfilePath } from '../profile/support.js';

let folder: string;
let mesh: CreatedMesh;
let around: OpenSurroundings;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-series-'));
  mesh = await createRealMesh(folder, dirname(appleProfilePath('c3e20987')));
  around = await openSurroundings(mesh.folders.config, mesh.folders.root);
});
afterEach(async () => {
  await around.close();
  rmSync(folder, { recursive: true, force: true });
});

const prepare = (): ReturnType<typeof prepareRotation> =>
  prepareRotation(around, {
    id: 'ios-main-1',
    line: 'ios-main' as LineName,
    trigger: { kind: 'person', by: 'rita' as PersonId, ticket: 'CHG-7' },
    offset: Date.parse(REAL_DATE) - Date.now(),
  });

describe("preflight of Apple's own files on 2024-02-18, verified against Apple's pinned root (R1, S16, T5)", () => {
  it('refuses with all five in the drop folder, naming both that fit', async () => {
    for (const name of APPLE_PROFILES) copyFileSync(appleProfilePath(name), join(mesh.folders.drop, `${name}.mobileprovision`));
    const { plan, reasons } = await prepare();
    expect(plan).toBeNull();
    expect(reasons).toEqual([
      expect.stringMatching(
        /^2 successors fit \S+ com\.jigx\.test\.ios .*drop\/c3e20987\.mobileprovision.*drop\/e921776a\.mobileprovision/,
      ),
    ]);
    expect(await around.store('main').head(mesh.line)).toMatchObject({ seq: 1, digest: mesh.manifest });
  });

  it('takes c3e20987 alone: a rotation to another certificate, on nodes that hold no keys', async () => {
    const { plan, reasons } = await prepare();
    expect(reasons).toEqual([]);
    expect(plan).toMatchObject({ kind: 'certificate', from: mesh.manifest, nodes: 12, eligible: ['ada', 'grace'] });
    expect(plan?.summary).toEqual([
      expect.stringMatching(/: 2746d535 until 2024-02-\d\d -> c3e20987 until /),
      expect.stringMatching(/^identity b0627f44 until 2024-02-23 -> 2ed916f3 .* until 2024-06-28; its key goes to no node$/),
    ]);
  });
});
