import { spawnSync } from 'node:child_process';
import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { setRevoked } from '../../src/simulator/mac/install.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { macTool } from '../setup/mac-tool.js';
import { Interference } from './interference.js';
import { activeManifests, meshTruth } from './node-truth.js';
import { RotatingMesh } from './rotating-mesh.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

let mesh: RotatingMesh;
let interference: Interference;
beforeEach(async () => {
  interference = new Interference();
  mesh = await RotatingMesh.start({
    decorate: interference.decorate,
    nodes: simulatedNodes(6),
    successors: 'new-certificate',
    macs: { tool: await macTool() },
    policy: {
      cohorts: { canary: { perImage: 1, share: '5%' }, waves: ['50%', '50%'], maxUnavailable: 1, stallTimeout: '30s' },
      // Neither is heeded: nobody can sign anyhow.
      soak: { duration: '1h', interval: '30m', floor: '0s' },
      retirement: { secondGate: true, maxBuildDuration: '2h', overduePinPageEvery: '1m' },
    },
  });
  for (const node of signers()) await setRevoked(mesh.home(node), [mesh.mesh.certificate.sha1]);
});
afterEach(async () => {
  await mesh.stop();
});

const signers = (): readonly string[] => mesh.mesh.nodes.filter((node) => node.roles.includes('signer')).map((node) => node.name);
function usable(node: string): string {
  const home = mesh.home(node);
  const ended = spawnSync(`${home}/bin/security`, ['find-identity', '-v', '-p', 'codesigning'], {
    cwd: home,
    env: { HOME: home, PATH: `${home}/bin:/usr/bin:/bin` },
    encoding: 'utf8',
  });
  return (ended.stdout + ended.stderr).toLowerCase();
}
const revoked = (): string => mesh.mesh.certificate.serial;

/** Why the rotation does not take a command. */
async function refusal(command: 'approve' | 'rollback', by: string, more: Record<string, unknown> = {}): Promise<string> {
  const error: unknown = await mesh.tell(command, by, more).then(
    () => null,
    (reason: unknown) => reason,
  );
  return error instanceof WorkflowUpdateFailedError && error.cause instanceof ApplicationFailure ? (error.cause.type ?? '') : 'ACCEPTED';
}

describe('a revoked certificate is replaced forward, at once (R11)', () => {
  it('once two persons have approved exactly what comes into force, and not before', async () => {
    const { certificate, nextCertificate } = mesh.mesh;
    for (const node of signers()) expect(usable(node)).not.toContain(certificate.sha1);
    const before = meshTruth(mesh);
    await mesh.rotate({ by: 'ada', revoked: revoked() });
    const waiting = await mesh.untilGate();
    expect(waiting).toMatchObject({
      phase: 'preflight',
      emergency: { serialLast6: revoked().slice(-6) },
      question: { id: 'approve-now', deadline: null },
    });
    expect(waiting.gate).toMatchObject({ needed: 2, eligible: ['ada', 'grace'], binds: { gate: 'emergency', to: waiting.to } });
    // The canary is one node, and all others follow at once.
    expect(waiting.cohorts.map(({ nodes }) => nodes)).toEqual([1, 5]);

    expect(await refusal('approve', 'ada', { digest: waiting.from })).toBe('WRONG_DIGEST');
    // Rita has taken in the new identity.
    expect(await refusal('approve', 'rita', { digest: waiting.to })).toBe('NOT_ENTITLED');
    await mesh.tell('approve', 'ada', { digest: waiting.to });
    expect(await refusal('approve', 'ada', { digest: waiting.to })).toBe('ALREADY_DECIDED');
    expect((await mesh.status()).phase).toBe('preflight');
    expect(meshTruth(mesh)).toEqual(before);
    expect(interference.nodesOf('stage', '')).toEqual([]);

    await mesh.tell('approve', 'grace', { digest: waiting.to });
    expect(await mesh.result()).toMatchObject({ outcome: 'completed' });
    for (const node of signers()) expect(usable(node)).toContain(nextCertificate.sha1);
    expect(new Set(Object.values(activeManifests(mesh)))).toEqual(new Set([waiting.to]));
    expect(await mesh.around.store('main').head(mesh.mesh.line)).toMatchObject({ seq: 2, digest: waiting.to });
    const facts = await mesh.ledger.eventsAfter('ios-main-1', 0);
    expect(facts.filter(({ kind }) => kind === 'gate')).toHaveLength(1);
    expect(facts.map(({ text }) => text)).toContain('waiting for 2 approvals before any node is changed');
  });

  it('forward only: a node that fails has one more turn by itself, then people are asked, and nothing goes back', async () => {
    let broken = 0;
    const [, failing = ''] = mesh.mesh.nodes.map(({ name }) => name);
    interference.before = (operation, node) => {
      if (operation !== 'switch' || node !== failing || broken >= 2) return;
      broken += 1;
      throw ApplicationFailure.nonRetryable('the disk is full', 'NODE_FAILED');
    };
    await mesh.rotate({ by: 'ada', revoked: revoked() });
    await mesh.approve('ada', 'grace');
    const asking = await mesh.untilQuestion('stalled');
    expect(broken).toBe(2);
    expect(asking.question).toMatchObject({
      nodes: [failing],
      options: expect.arrayContaining(['retry']),
      deadline: null,
      unanswered: 'stays',
    });
    expect(await refusal('rollback', 'ada')).toBe('ILLEGAL_COMMAND');
    const served = activeManifests(mesh);
    expect(Object.values(served).filter((manifest) => manifest === asking.to)).toHaveLength(5);
    await mesh.tell('answer', 'grace', { question: 'stalled', option: 'retry' });
    expect(await mesh.result()).toMatchObject({ outcome: 'completed' });
    expect(activeManifests(mesh)[failing]).toBe(asking.to);
  });

  it('is refused where nothing signs with such a certificate, and says with which it does', async () => {
    await mesh.rotate({ by: 'ada', revoked: 'C0FFEE' });
    const { outcome, reasons } = await mesh.result();
    expect(outcome).toBe('refused');
    expect(reasons.join()).toContain(
      `nothing on ios-main signs with a certificate of serial …C0FFEE; it signs with …${revoked().slice(-6)}`,
    );
  });

  it('is refused where the roster lets nobody start one by that name', async () => {
    await mesh.rotate({ by: 'rita', revoked: revoked() });
    expect(await mesh.result()).toMatchObject({ outcome: 'refused', reasons: ['The roster does not let rita start-emergency.'] });
  });
});
