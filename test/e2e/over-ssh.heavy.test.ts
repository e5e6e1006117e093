import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostsFolder } from '../setup/hosts-folder.js';
import { sshdMissing, type TestHost } from '../setup/sshd.js';
import { behindSsh } from './behind-ssh.js';
import { activeManifests, meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

describe.skipIf(sshdMissing !== null)(`a mesh of six hosts over sshd${sshdMissing === null ? '' : ` (${sshdMissing})`}`, () => {
  let scenario: Scenario;
  const servers: TestHost[] = [];
  let folder: string;
  beforeAll(async () => {
    folder = mkdtempSync(join(hostsFolder(), 'mesh-'));
    scenario = await startScenario({ folder, changed: (mesh) => behindSsh(mesh, servers) });
  });
  afterAll(async () => {
    await scenario.end();
    for (const server of servers) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('rotates, is brought back from the gate byte for byte, and rotates again while a host is away for a moment; builds notice nothing (R2, R3, R6, R12)', async () => {
    const { mesh, before, interference } = scenario;
    await mesh.rotate();
    await mesh.untilGate();
    await mesh.tell('reject', 'ada');
    expect((await mesh.result()).outcome).toBe('rolled-back');
    expect(meshTruth(mesh)).toEqual(before);

    const held = interference.hold('switch', (_, target) => target !== mesh.mesh.manifest);
    await mesh.rotate();
    const name = await held.node();
    const server = servers[mesh.mesh.nodes.findIndex((node) => node.name === name)];
    if (server === undefined) throw new Error(`no host ${name}`);
    await server.stop();
    await server.cut();
    held.release();
    await server.restart();
    await mesh.approve('ada', 'grace');
    const end = await mesh.result();
    expect(end).toEqual({ id: 'ios-main-2', outcome: 'completed', reasons: [] });
    const head = await mesh.around.store('main').head(mesh.mesh.line);
    expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([head?.digest]));
  });
});
