import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import type { ClosingRecord } from '../../activities/rotation/contract.js';
import { presences, serversOf } from '../../src/cli/doctor/serving.js';
import { loadConfiguration } from '../../src/configuration/load.js';
import { gatewayAudience } from '../../src/domain/codec/audience.js';
import { enroll, gatewayFolder } from '../../src/identity/enrolled-keys.js';
import { keyIdOf } from '../../src/temporal/codec/encryption.js';
import { keysText, newRootKey } from '../../src/temporal/codec/key-file.js';
import { handedOut } from '../../src/temporal/codec/key-ring.js';
import { startGateway } from '../../src/temporal/gateway.js';
import type { RunningWorker } from '../../src/temporal/running-worker.js';
import { faults, verified } from '../audit/chains.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { sshdMissing, type TestHost } from '../setup/sshd.js';
import { until } from '../setup/until.js';
import { eventsOf, payloadsIn } from '../setup/workflow-payloads.js';
import { behindSsh } from './behind-ssh.js';
import { activeManifests, meshTruth } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

const root = newRootKey('active', Date.now());

/** Keys of the control plane, and of each region's gateway beside it: all run on this machine. */
function withCodecKeys(config: string): void {
  const nodes = ['eu-west', 'us-east', 'ap-south'].flatMap((region) => handedOut(gatewayAudience(region), [root]));
  writeFileSync(join(config, 'control.json'), keysText([root]), { mode: 0o600 });
  writeFileSync(join(config, 'gateways.json'), keysText(nodes), { mode: 0o600 });
  const path = join(config, 'reseal.yaml');
  const codec = { control: { file: 'control.json' }, nodes: { file: 'gateways.json' } };
  writeFileSync(path, stringify({ ...(parse(readFileSync(path, 'utf8')) as object), codec }));
}

describe.skipIf(sshdMissing !== null)(`gateways per region${sshdMissing === null ? '' : ` (${sshdMissing})`}`, () => {
  let scenario: Scenario;
  let folder: string;
  const servers: TestHost[] = [];
  const gateways: RunningWorker[] = [];
  const startIn = async (region: string): Promise<void> => {
    const { mesh } = scenario;
    const { address, namespace } = mesh.temporal;
    gateways.push(
      await startGateway({
        folder: mesh.mesh.folders.config,
        home: mesh.mesh.folders.root,
        region,
        temporal: { address, namespace },
        taskQueue: mesh.taskQueue,
      }),
    );
  };
  /** What `reseal doctor` finds of gateways. */
  const served = async (): Promise<readonly { readonly check: string; readonly there: boolean }[]> => {
    const { mesh } = scenario;
    const servers = serversOf(loadConfiguration(mesh.mesh.folders.config), mesh.taskQueue);
    const found = await presences(mesh.temporal.client, mesh.temporal.namespace, servers, () => Date.now());
    return found.map(({ there }, index) => ({ check: servers[index]?.check ?? '', there }));
  };
  beforeAll(async () => {
    folder = mkdtempSync(join(hostsFolder(), 'gateways-'));
    scenario = await startScenario({
      nodes: 3,
      folder,
      changed: async (mesh) => {
        // One region's gateway is enrolled: what it says counts under its key alone.
        const { key } = await enroll(gatewayFolder(mesh.folders.root, 'eu-west'), [], 'keep');
        await behindSsh(mesh, servers, { gateways: 'per-region', gatewayKeys: { 'eu-west': key } });
        withCodecKeys(mesh.folders.config);
      },
      policy: { limits: { stepNodes: 100, activitiesPerSecond: 1000, nodeOperationTimeout: '15s', nodeOfflineAfter: '5s' } },
    });
  });
  afterAll(async () => {
    for (const gateway of gateways) await gateway.stop();
    await scenario.end();
    for (const server of servers) await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('a host whose region has no gateway is unreachable by name, though a worker of the installation could reach it; with all gateways the mesh rotates', async () => {
    const { mesh, before } = scenario;
    await startIn('eu-west');
    await startIn('us-east');
    await until(async () => (await served()).filter(({ there }) => there).length === 2, { what: 'two gateways that ask for work' });
    expect(await served()).toEqual([
      { check: 'gateway eu-west', there: true },
      { check: 'gateway us-east', there: true },
      { check: 'gateway ap-south', there: false },
    ]);
    await mesh.rotate();
    expect(await mesh.result()).toMatchObject({
      outcome: 'refused',
      reasons: [
        'bom-sign-1: no gateway of region ap-south, which reaches bom-sign-1, took up its work within 15 s; run `reseal worker --gateway ap-south` there',
      ],
    });
    expect(meshTruth(mesh)).toEqual(before);
    await startIn('ap-south');
    await mesh.rotate();
    await mesh.approve('ada', 'grace');
    expect(await mesh.result()).toEqual({ id: 'ios-main-2', outcome: 'completed', reasons: [] });
    const head = await mesh.around.store('main').head(mesh.mesh.line);
    expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([head?.digest]));
    // Orders to a host are under the key of its region's gateway; the header, which the same word is in every time, is not encoded.
    const ids = (await eventsOf(mesh.temporal.client, mesh.taskQueue)).flatMap(({ event }) => {
      const region = /\/gateway\/(.+)$/.exec(event.activityTaskScheduledEventAttributes?.taskQueue?.name ?? '')?.[1];
      return region === undefined
        ? []
        : payloadsIn(event.activityTaskScheduledEventAttributes?.input).map((payload) => [region, keyIdOf(payload)].join(' '));
    });
    const regions = ['ap-south', 'eu-west', 'us-east'];
    expect([...new Set(ids)].sort()).toEqual(regions.map((region) => `${region} ${root.id}/gateway/${region}`));
    // T4: each has a chain of its own, under its key where it is enrolled, and the rotation knows where it ended.
    const record = (await mesh.around.store('main').record('ios-main-2')) as ClosingRecord;
    for (const region of regions) {
      const chain = join(gatewayFolder(mesh.mesh.folders.root, region), 'audit', 'gateway-1');
      const known = (record.state.audit ?? []).filter((one) => one.chain.startsWith(`gateway-${region}-`));
      expect(known, region).toHaveLength(1);
      const read = await verified(chain, known.map((one) => ({ ...one, from: 'ios-main-2' }))); // prettier-ignore
      expect([faults(read).filter((fault) => !fault.startsWith('unsigned')), read.key !== null]).toEqual([[], region === 'eu-west']);
    }
    // Everything that was done to a host was done through its gateway.
    expect(scenario.interference.seen).toEqual([]);
  });

  it('a gateway that would get no work is refused', async () => {
    await expect(startIn('mars')).rejects.toMatchObject({ code: 'NOT_FOUND', message: expect.stringContaining('eu-west') as string });
  });
});
