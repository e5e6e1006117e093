import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { stableUuid } from '../../src/simulator/mesh/create.js';
import { TEAM } from '../../src/simulator/mesh/spec.js';
import { flipBit } from './corruption.js';
import { meshTruth, profileFolder } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

let scenario: Scenario;
afterEach(() => scenario.end());

/** The node's folder is gone, as of a Mac that is switched off. */
const switchOff = (node: string): void => renameSync(scenario.mesh.home(node), `${scenario.mesh.home(node)}.away`);
const switchOn = (node: string): void => renameSync(`${scenario.mesh.home(node)}.away`, scenario.mesh.home(node));

describe('preflight', () => {
  it('names every reason at once: successors, policy, unreachable and unhealthy nodes (R3, R4)', async () => {
    scenario = await startScenario({ builders: 'faulty', nodes: 4, policy: { gate: { approvals: 3, calendar: 'none' } } });
    const { mesh } = scenario;
    dropSecondSuccessor();
    const damaged = profileFolder(mesh.home('ams-build-1'));
    const [file = ''] = readdirSync(damaged).sort();
    flipBit(join(damaged, file));
    const before = meshTruth(mesh);
    switchOff('iad-sign-1');
    await mesh.rotate();
    const { outcome, reasons } = await mesh.result();
    switchOn('iad-sign-1');
    expect(outcome).toBe('refused');
    expect(reasons).toEqual([
      expect.stringMatching(/2 successors fit .*com\.acme\.courier app-store.*second\.mobileprovision/),
      expect.stringMatching(/3 approvals are needed and ada, grace may give one/),
      expect.stringMatching(/^(ams-build-1|iad-sign-1): /),
      expect.stringMatching(/^(ams-build-1|iad-sign-1): /),
    ]);
    expect(reasons.some((reason) => reason.startsWith('ams-build-1: ') && reason.includes(file))).toBe(true);
    expect(reasons.some((reason) => reason.startsWith('iad-sign-1: '))).toBe(true);
    expect(meshTruth(mesh)).toEqual(before);
    expect(await mesh.around.store('main').head(mesh.mesh.line)).toMatchObject({ seq: 1 });
  });

  it('looks at every node, however many rounds of steps that takes (R10)', async () => {
    const limits = { stepNodes: 1, activitiesPerSecond: 1000, nodeOperationTimeout: '30s', nodeOfflineAfter: '1s' };
    scenario = await startScenario({ builders: 'faulty', nodes: 12, policy: { limits } });
    const { mesh } = scenario;
    const all = mesh.mesh.nodes.map(({ name }) => name);
    all.forEach(switchOff);
    await mesh.rotate();
    const { outcome, reasons } = await mesh.result();
    all.forEach(switchOn);
    expect(outcome).toBe('refused');
    expect(reasons.map((reason) => reason.split(':')[0]).sort()).toEqual([...all].sort());
  });
});

/** Another profile for the host app, as good as the one in the drop folder. */
function dropSecondSuccessor(): void {
  const { certificate, folders, apple } = scenario.mesh.mesh;
  const bytes = apple.makeProfile({
    uuid: stableUuid(`${scenario.mesh.folder} second`),
    name: 'Courier second',
    team: TEAM,
    bundleId: 'com.acme.courier',
    kind: 'app-store',
    certificates: [certificate],
    createdAt: new Date(Math.floor(Date.now() / 1000) * 1000 - 3_600_000),
    expiresAt: certificate.notAfter,
  });
  writeFileSync(join(folders.drop, 'second.mobileprovision'), bytes);
}
