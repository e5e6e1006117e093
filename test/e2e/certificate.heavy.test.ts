import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { macTool } from '../setup/mac-tool.js';
import { clearFault, setFault } from '../../src/simulator/mac/faults.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { Interference } from './interference.js';
import { RotatingMesh } from './rotating-mesh.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const FAST = { cohorts: { canary: { perImage: 1, share: '5%' }, waves: ['50%', '50%'], maxUnavailable: 1, stallTimeout: '30s' } };
let mesh: RotatingMesh;
let interference: Interference;
beforeEach(async () => {
  interference = new Interference();
  mesh = await RotatingMesh.start({
    decorate: interference.decorate,
    nodes: simulatedNodes(6),
    successors: 'new-certificate',
    macs: { tool: await macTool() },
    policy: FAST,
  });
});
afterEach(async () => {
  await mesh.stop();
});

const signers = () => mesh.mesh.nodes.filter((node) => node.roles.includes('signer')).map((node) => node.name);
function security(node: string, ...args: readonly string[]): string {
  const home = mesh.home(node);
  const ended = spawnSync(join(home, 'bin/security'), args, {
    cwd: home,
    env: { HOME: home, PATH: `${home}/bin:/usr/bin:/bin` },
    encoding: 'utf8',
  });
  return (ended.stdout + ended.stderr).toLowerCase();
}
const usable = (node: string): string => security(node, 'find-identity', '-v', '-p', 'codesigning');
/** Every secret of the mesh that a person or program knows. */
const secrets = (): readonly string[] =>
  signers().flatMap((node) =>
    ['usr/local/var/reseal/state/delivery.key', '.config/reseal/keychain-password'].map((name) =>
      readFileSync(join(mesh.home(node), name), 'utf8').trim(),
    ),
  );

/** Every history of the mesh, as it is kept and with its payloads decoded. */
async function allHistories(): Promise<string> {
  const histories: string[] = [];
  for await (const { workflowId, runId } of mesh.temporal.client.workflow.list({ query: `TaskQueue = '${mesh.taskQueue}'` }))
    histories.push(JSON.stringify(await mesh.temporal.client.workflow.getHandle(workflowId, runId).fetchHistory()));
  expect(histories.length).toBeGreaterThan(3);
  const all = histories.join('');
  return all + all.replaceAll(/"data":"([A-Za-z0-9+/=]+)"/g, (_, data: string) => Buffer.from(data, 'base64').toString());
}

describe('a certificate rotates on a mesh whose signers are Macs (R2, R9, T1)', () => {
  it('from one keychain to the next, and no secret is in any history; the next incident brings the old one back', async () => {
    const { certificate, nextCertificate } = mesh.mesh;
    for (const node of signers()) expect(usable(node)).toContain(certificate.sha1);
    await mesh.rotate();
    const gate = await mesh.untilGate();
    for (const node of signers()) {
      expect(usable(node)).toContain(certificate.sha1);
      expect(usable(node)).toContain(nextCertificate.sha1);
    }
    expect(gate.kind).toBe('certificate');
    await mesh.approve('ada', 'grace');
    expect(await mesh.result()).toMatchObject({ outcome: 'completed' });
    for (const node of signers()) {
      expect(usable(node)).toContain(nextCertificate.sha1);
      expect(usable(node)).not.toContain(certificate.sha1);
      expect(readdirSync(join(mesh.home(node), 'usr/local/var/reseal/state/incoming'))).toEqual([]);
    }
    await mesh.rollBackCompleted('ios-main-1');
    expect(await mesh.result()).toMatchObject({ outcome: 'rolled-back' });
    for (const node of signers()) {
      expect(usable(node)).toContain(certificate.sha1);
      expect(usable(node)).not.toContain(nextCertificate.sha1);
    }
    const decoded = await allHistories();
    for (const secret of secrets()) expect(decoded).not.toContain(secret);
  });

  it('a signer whose keychain cannot be had is named, with keychain and what to do, and everything comes back (S5)', async () => {
    const [first] = signers();
    const home = mesh.home(first ?? '');
    rmSync(join(home, '.config/reseal/keychain-password'));
    await mesh.rotate();
    expect(await mesh.result()).toMatchObject({ outcome: 'rolled-back' });
    const told = JSON.stringify(await mesh.ledger.eventsAfter('ios-main-1', -1));
    expect(told).toContain(
      `Node ${first ?? ''}: the password of its keychains is not to be had: the file ~/.config/reseal/keychain-password is not there`,
    );
    for (const node of signers()) expect(usable(node)).not.toContain(mesh.mesh.nextCertificate.sha1);
  });

  /** The next switch of a signer finds its keychains locked for good. @returns the signer */
  async function lockedInTheCanary(): Promise<string> {
    const held = interference.hold('switch', (node, target) => signers().includes(node) && target !== mesh.mesh.manifest);
    await mesh.rotate();
    const node = await held.node();
    await setFault(mesh.home(node), { kind: 'locked-for-good' });
    held.release();
    return node;
  }
  const keychain = (): string => `reseal-${mesh.mesh.nextCertificate.sha1.slice(0, 8)}.keychain-db`;
  function declare(onUnlockFailure: readonly string[]): void {
    const path = join(mesh.mesh.folders.config, 'topology.yaml');
    const topology = parse(readFileSync(path, 'utf8')) as { lines: Record<string, { keychains: Record<string, unknown> }> };
    const line = topology.lines[mesh.mesh.line];
    if (line === undefined) throw new Error('the mesh has no such line');
    line.keychains['onUnlockFailure'] = onUnlockFailure;
    writeFileSync(path, stringify(topology));
  }

  it('a keychain that stays locked in the canary is asked about, by host, keychain and remedy; opened and answered, it goes on (S5)', async () => {
    const node = await lockedInTheCanary();
    const asked = await mesh.untilQuestion('keychain-locked');
    expect(asked).toMatchObject({
      phase: 'canary',
      question: { nodes: [node], options: ['retry', 'exclude', 'rollback'], unanswered: 'rollback' },
    });
    expect(asked.troubles).toMatchObject([
      {
        node,
        outcome: 'locked',
        locked: { keychain: keychain(), why: expect.stringContaining('macOS would ask a person') as string, then: 'page' },
      },
    ]);
    await clearFault(mesh.home(node), 'locked-for-good');
    await mesh.tell('answer', 'ada', { question: 'keychain-locked', option: 'retry' });
    await mesh.untilGate();
    await mesh.approve('ada', 'grace');
    expect(await mesh.result()).toMatchObject({ outcome: 'completed' });
    // What failed told nothing but names and reasons.
    const told = (await allHistories()) + JSON.stringify(await mesh.ledger.eventsAfter('ios-main-1', -1));
    expect(told).toContain('cannot unlock it: macOS would ask a person');
    for (const secret of secrets()) expect(told).not.toContain(secret);
  });

  it('nobody answers: everything comes back (S5, invariant 9)', async () => {
    const node = await lockedInTheCanary();
    await mesh.untilQuestion('keychain-locked');
    // Somebody opens it while the way back has begun, and before it reaches the node.
    const back = interference.hold('switch', (one, target) => one === node && target === mesh.mesh.manifest);
    await back.node();
    expect((await mesh.status()).turnedAt).toBe('canary');
    await clearFault(mesh.home(node), 'locked-for-good');
    back.release();
    expect(await mesh.result()).toMatchObject({ outcome: 'rolled-back' });
    const told = JSON.stringify(await mesh.ledger.eventsAfter('ios-main-1', -1));
    expect(told).toContain(`Node ${node}, keychain ${keychain()}: cannot unlock it: macOS would ask a person`);
    for (const signer of signers()) {
      expect(usable(signer)).toContain(mesh.mesh.certificate.sha1);
      expect(usable(signer)).not.toContain(mesh.mesh.nextCertificate.sha1);
    }
  });

  it('with another-signer the next holder signs in the canary, and the locked one follows when it can (R5, S5)', async () => {
    declare(['retry', 'another-signer', 'page']);
    const node = await lockedInTheCanary();
    const gate = await mesh.untilGate();
    expect(gate.troubles).toEqual([]);
    const switched = interference.nodesOf('switch', gate.to ?? '').filter((one) => signers().includes(one));
    expect(switched).toHaveLength(2);
    expect(switched[0]).toBe(node);
    const told = await mesh.ledger.eventsAfter('ios-main-1', -1);
    expect(told.filter(({ kind }) => kind === 'stand-in').map(({ text }) => text)).toEqual([
      expect.stringMatching(
        new RegExp(`^${node} gives its place in the canary away: ${switched[1] ?? ''} holds .* and signs in its place`),
      ),
    ]);
    await clearFault(mesh.home(node), 'locked-for-good');
    await mesh.approve('ada', 'grace');
    expect(await mesh.result()).toMatchObject({ outcome: 'completed' });
    for (const signer of signers()) expect(usable(signer)).not.toContain(mesh.mesh.certificate.sha1);
  });
});
