import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { NodeName } from '../../src/domain/brands.js';
import { openSealedIdentity, recipientOf } from '../../src/identity/sealed.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { sshdMissing, type TestHost } from '../setup/sshd.js';
import { macTool } from '../setup/mac-tool.js';
import { AgentProcesses, behindAgents } from './agent-processes.js';
import { behindSsh } from './behind-ssh.js';
import { activeManifests } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';
import { inBase64, keySigns, ProcessList, withoutBreaks } from './secret-search.js';

/** Twelve nodes, a signer in each region: every other one behind sshd, the rest with an agent. */
const NODES = simulatedNodes(12);
const overSsh = (name: string): boolean => NODES.findIndex((node) => node.name === name) % 2 === 0;
const signers = NODES.filter((node) => node.roles.includes('signer')).map((node) => node.name);

/** Every line, down to the least important, that the worker, the agents and the gateways log: the product's own logs have errors alone. */
const log = vi.hoisted(() => (process.env['RESEAL_TEST_LOG'] = `${process.env['TMPDIR'] ?? '/tmp'}/reseal-test-log-${process.pid}`));

describe.skipIf(sshdMissing !== null)(
  `a certificate on six hosts over sshd and six agents${sshdMissing === null ? '' : ` (${sshdMissing})`}`,
  () => {
    let scenario: Scenario;
    let agents: AgentProcesses;
    let folder: string;
    const servers: TestHost[] = [];
    const home = (node: string): string => scenario.mesh.home(node);
    const usable = (node: string): string =>
      spawnSync(join(home(node), 'bin/security'), ['find-identity', '-v', '-p', 'codesigning'], {
        env: { HOME: home(node), PATH: `${home(node)}/bin:/usr/bin:/bin` },
        encoding: 'utf8',
      }).stdout.toLowerCase();

    beforeAll(async () => {
      folder = mkdtempSync(join(hostsFolder(), 'certificate-'));
      scenario = await startScenario({
        folder,
        nodes: NODES.length,
        successors: 'new-certificate',
        macs: { tool: await macTool() },
        changed: async (mesh) => {
          await behindSsh(mesh, servers, { gateways: 'per-region' }, overSsh);
          await behindAgents(mesh, (name) => !overSsh(name));
        },
        policy: {
          limits: { stepNodes: 100, activitiesPerSecond: 1000, nodeOperationTimeout: '60s', nodeOfflineAfter: '20s' },
          cohorts: { canary: { perImage: 1, share: '5%' }, waves: ['50%', '50%'], maxUnavailable: 3, stallTimeout: '60s' },
        },
      });
      agents = new AgentProcesses(scenario.mesh);
      const regions = new Set(NODES.filter(({ name }) => overSsh(name)).map(({ region }) => region));
      await Promise.all([...regions].map((region) => agents.startGateway(region)));
      await Promise.all(NODES.filter(({ name }) => !overSsh(name)).map(({ name }) => agents.start(name)));
    });
    afterAll(async () => {
      await agents.stopAll();
      await scenario.end();
      for (const server of servers) await server.stop();
      rmSync(folder, { recursive: true, force: true });
      rmSync(log, { force: true });
    });

    /** Delivery keys, passwords of keychains, passwords and content of the PKCS#12 that are delivered, and the private keys in them. */
    async function secretsOf(): Promise<readonly string[]> {
      const { certificate, nextCertificate } = scenario.mesh.mesh;
      const store = scenario.mesh.around.store('main');
      const ofNodes = await Promise.all(
        signers.map(async (node) => {
          const key = readFileSync(join(home(node), 'usr/local/var/reseal/state/delivery.key'), 'utf8').trim();
          const recipient = await recipientOf(key);
          const delivered = await Promise.all(
            [certificate.sha1, nextCertificate.sha1].map(async (identity) => {
              const sealed = await store.sealedIdentity({ identity, node: node as NodeName, recipient });
              const { pkcs12, password } = await openSealedIdentity(sealed?.bytes ?? new Uint8Array(), key, identity);
              return [password, ...inBase64(pkcs12.subarray(-200))];
            }),
          );
          return [key, readFileSync(join(home(node), '.config/reseal/keychain-password'), 'utf8').trim(), ...delivered.flat()];
        }),
      );
      return [...ofNodes.flat(), ...keySigns(certificate.privateKeyPem), ...keySigns(nextCertificate.privateKeyPem)];
    }

    it('the old identity goes, the new one signs, builds notice nothing, and no secret is in a process list, a history, a log of a worker, a gateway or an agent, the audit log or the ledger (R2, R4, R9, R12, T1)', async () => {
      const { mesh } = scenario;
      const { certificate, nextCertificate } = mesh.mesh;
      expect(signers.some(overSsh) && signers.some((name) => !overSsh(name))).toBe(true);
      const secrets = await secretsOf();
      const processes = new ProcessList();
      await mesh.rotate();
      await mesh.approve('ada', 'grace');
      const end = await mesh.result();
      const list = processes.stop();
      expect(end).toEqual({ id: 'ios-main-1', outcome: 'completed', reasons: [] });
      for (const node of signers) {
        expect(usable(node)).toContain(nextCertificate.sha1);
        expect(usable(node)).not.toContain(certificate.sha1);
      }
      const head = await mesh.around.store('main').head(mesh.mesh.line);
      expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([head?.digest]));

      expect(list).toContain('find-identity');
      const histories: string[] = [];
      for await (const { workflowId, runId } of mesh.temporal.client.workflow.list({ query: `TaskQueue = '${mesh.taskQueue}'` }))
        histories.push(JSON.stringify(await mesh.temporal.client.workflow.getHandle(workflowId, runId).fetchHistory()));
      const decoded = histories
        .join('')
        .replaceAll(/"data":"([A-Za-z0-9+/=]+)"/g, (_, data: string) => Buffer.from(data, 'base64').toString());
      const ledger = JSON.stringify([await mesh.ledger.eventsAfter('ios-main-1', -1), await mesh.ledger.rotationNodes('ios-main-1')]);
      const lines = readFileSync(log, 'utf8');
      // The worker's own, those of three gateways and of six agents.
      expect(new Set(lines.split('\n').map((line) => line.split(' ')[0])).size).toBeGreaterThanOrEqual(10);
      expect(agents.logs()).toContain('ready');
      expect(scenario.interference.seen).toEqual([]);
      const audit = readdirSync(join(mesh.mesh.folders.root, 'audit'), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith('.jsonl'))
        .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
        .join('');
      expect(audit).toContain('advanceHead');
      expect(keySigns(nextCertificate.privateKeyPem).some((sign) => withoutBreaks(nextCertificate.privateKeyPem).includes(sign))).toBe(
        true,
      );
      const places = { list, histories: histories.join(''), decoded, ledger, lines, agents: agents.logs(), audit };
      for (const [place, text] of Object.entries(places).map(([name, text]) => [name, withoutBreaks(text)] as const))
        expect({ place, found: secrets.filter((secret) => text.includes(secret)).length }).toEqual({ place, found: 0 });
    });
  },
);
