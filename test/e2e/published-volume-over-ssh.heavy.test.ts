import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { mountVolume } from '../../src/simulator/mesh/volume.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { sshdMissing, type TestHost } from '../setup/sshd.js';
import { behindSsh } from './behind-ssh.js';
import { meshTruth } from './node-truth.js';
import { BUILDER_WAIT, MOUNT, PUBLISHER, PublishedMesh } from './published-volume.js';

vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

describe.skipIf(sshdMissing !== null)(`a published volume over sshd${sshdMissing === null ? '' : ` (${sshdMissing})`}`, () => {
  let volume: PublishedMesh;
  const servers: TestHost[] = [];
  beforeEach(async () => {
    volume = await PublishedMesh.start({
      folder: mkdtempSync(join(hostsFolder(), 'volume-')),
      readers: 3,
      changed: (mesh) => behindSsh(mesh, servers),
    });
  });
  afterEach(async () => {
    await volume.mesh.stop();
    for (const server of servers.splice(0)) await server.stop();
  });

  it('shows every node the new manifest, and after an incident the old one, while builds find all that their pointer names (R2, R6, R12, S4)', async () => {
    const { mesh, names } = volume;
    const from = mesh.mesh.manifest;
    const builders = mesh.startBuilders(BUILDER_WAIT);
    expect(volume.reading(from)).toEqual(names);

    await mesh.rotate();
    const { to } = await mesh.untilGate();
    const canary = volume.pointingTo(to);
    expect(canary).toContain(PUBLISHER);
    expect(volume.pointingTo(from)).toEqual(names.filter((name) => !canary.includes(name)));
    await mesh.approve('ada', 'grace');
    expect(await mesh.result()).toEqual({ id: 'ios-main-1', outcome: 'completed', reasons: [] });
    expect(volume.reading(to)).toEqual(names);
    expect(volume.published).toEqual([to, `${to ?? ''}.json`].sort());

    await mesh.rollBackCompleted('ios-main-1');
    expect(await mesh.result()).toMatchObject({ outcome: 'rolled-back' });
    expect(volume.reading(from)).toEqual(names);
    expect(volume.published).toEqual([from, `${from}.json`].sort());
    expect((await mesh.around.store('main').head(mesh.mesh.line))?.digest).toBe(from);

    const { failures, checks, builds, late } = await builders.stop();
    expect(failures).toEqual([]);
    expect(checks).toBeGreaterThan(0);
    expect(late).toBeLessThan(builds / 2);
  });

  it('does not begin with a host whose volume is mounted for writing, and says which (S4)', async () => {
    const { mesh } = volume;
    const before = meshTruth(mesh);
    await mountVolume({
      home: mesh.home('iad-sign-1'),
      volume: join(mesh.home(PUBLISHER), MOUNT),
      mount: MOUNT,
      flags: 'nfs, nodev, nosuid',
    });
    await mesh.rotate();
    expect(await mesh.result()).toMatchObject({
      outcome: 'refused',
      reasons: [expect.stringMatching(/^iad-sign-1: Node iad-sign-1: the volume of \S+ is not mounted read-only/) as string],
    });
    expect(meshTruth(mesh)).toEqual(before);
  });
});
