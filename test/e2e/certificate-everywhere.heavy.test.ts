import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { hostsFolder } from '../setup/hosts-folder.js';
import { sshdMissing, type TestHost } from '../setup/sshd.js';
import { macTool } from '../setup/mac-tool.js';
import { AgentProcesses, behindAgents } from './agent-processes.js';
import { behindSsh } from './behind-ssh.js';
import { activeManifests } from './node-truth.js';
import { startScenario, type Scenario } from './scenario.js';

/** Twelve nodes, a signer in each region: every other one behind sshd, the rest with an agent. */
const NODES = simulatedNodes(12);
const overSsh = (name: string): boolean => NODES.findIndex((node) => node.name === name) % 2 === 0;
const signers = NODES.filter((node) => node.roles.includes('signer')).map((node) => node.name);

/** Arguments of every process of this machine that was there at one of many looks. */
class ProcessList {
  private readonly seen = new Set<string>();
  private readonly timer = setInterval(() => this.look(), 25);

  private look(): void {
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue;
      try {
        this.seen.add(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
      } catch {
        // It has ended meanwhile.
      }
    }
  }

  stop(): string {
    clearInterval(this.timer);
    return [...this.seen].join('\n');
  }
}

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
          await behindSsh(mesh, servers, {}, overSsh);
          await behindAgents(mesh, (name) => !overSsh(name));
        },
        policy: {
          limits: { stepNodes: 100, activitiesPerSecond: 1000, nodeOperationTimeout: '60s', nodeOfflineAfter: '20s' },
          cohorts: { canary: { perImage: 1, share: '5%' }, waves: ['50%', '50%'], maxUnavailable: 3, stallTimeout: '60s' },
        },
      });
      agents = new AgentProcesses(scenario.mesh);
      await Promise.all(NODES.filter(({ name }) => !overSsh(name)).map(({ name }) => agents.start(name)));
    });
    afterAll(async () => {
      await agents.stopAll();
      await scenario.end();
      for (const server of servers) await server.stop();
      rmSync(folder, { recursive: true, force: true });
    });

    it('the old identity goes, the new one signs, builds notice nothing, and no secret is in a process list, a history, a log of an agent or the ledger (R2, R4, R9, R12, T1)', async () => {
      const { mesh } = scenario;
      const { certificate, nextCertificate } = mesh.mesh;
      expect(signers.some(overSsh) && signers.some((name) => !overSsh(name))).toBe(true);
      const secrets = signers.flatMap((node) =>
        ['usr/local/var/reseal/state/delivery.key', '.config/reseal/keychain-password'].map((name) =>
          readFileSync(join(home(node), name), 'utf8').trim(),
        ),
      );
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
      const logs = agents.logs();
      expect(logs).toContain('ready');
      for (const secret of secrets)
        for (const where of [list, histories.join(''), decoded, ledger, logs]) expect(where.includes(secret)).toBe(false);
    });
  },
);
