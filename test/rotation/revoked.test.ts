import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRotationActivities } from '../../activities/rotation/activities.js';
import { prepareIncident } from '../../activities/rotation/incident.js';
import { prepareRotation, previewRotation } from '../../activities/rotation/prepare.js';
import { headOf } from '../../activities/rotation/surroundings.js';
import { revokedBehind } from '../../activities/revocations/in-force.js';
import type { PersonId, RotationId, Sha1 } from '../../src/domain/brands.js';
import type { RevocationStatement } from '../../src/domain/revocations.js';
import { newRotation } from '../../src/domain/rotation/machine.js';
import { createMesh, type MeshRequest, type SimulatedMesh } from '../../src/simulator/mesh/create.js';
import { simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { openSurroundings, type OpenSurroundings } from '../../src/temporal/surroundings.js';
import type { ProfileSource } from '../../activities/profile-source/contract.js';
import { ResealError } from '../../src/domain/errors.js';
import type { TeamCertificates } from '../../src/domain/gone-certificates.js';
import { reseal } from '../cli/terminal.js';
import { copyApple } from '../setup/apple.js';
import { macTool } from '../setup/mac-tool.js';
import { makeSshKey, sshSign } from '../setup/ssh-keys.js';
import { NO_ORPHANS } from '../setup/no-orphans.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

const SINCE = '2026-01-02T03:04:05.000Z';
let folder: string;
let mesh: SimulatedMesh;
let around: OpenSurroundings;

async function begin(more: Partial<MeshRequest> = {}): Promise<void> {
  await copyApple(join(folder, 'apple'));
  mesh = await createMesh({ folder, nodes: simulatedNodes(3), ...more });
  around = await openSurroundings(mesh.folders.config, mesh.folders.root);
}
beforeEach(() => {
  folder = temporaryFolder('reseal-revoked');
});
afterEach(async () => {
  await around.close();
  rmSync(folder, { recursive: true, force: true });
});

/** `ada`: by her name, which counts here; `stranger`: by a signature of nobody's. */
async function revoke(certificate: Sha1, who: 'ada' | 'stranger' = 'ada'): Promise<void> {
  const at = Date.now() - 60_000;
  const statement: RevocationStatement = {
    ...{ schemaVersion: 1, says: 'revocation-record', installation: 'acme-demo', person: 'ada' as PersonId, ticket: 'INC-5' },
    ...{ certificate, serial: null, reason: 'stolen', source: 'person', revokedAt: SINCE, nonce: 'a'.repeat(32) },
    ...{ issuedAt: new Date(at).toISOString(), expiresAt: new Date(at + 600_000).toISOString() },
  };
  const signature = who === 'ada' ? null : sshSign(makeSshKey(folder, 'stranger'), canonicalBytes(statement), 'reseal-approval-v1');
  await around
    .store('main')
    .putMany([{ kind: 'revocation', document: { kind: 'revocation', schemaVersion: 1, statement, signature } }], {});
}
const REQUEST = () => ({ line: mesh.line, trigger: { kind: 'person', by: 'rita' as PersonId, ticket: 'CHG-7' }, offset: 0 }) as const;
const listing = (source: ProfileSource): ProfileSource => ({ name: source.name, list: () => source.list() });
const prepare = () => prepareRotation(around, { ...REQUEST(), id: 'ios-main-1' });
const old = (): Sha1 => mesh.certificate.sha1;
const UNPROVEN = `certificate [0-9a-f]{8} is said to be revoked since 2026-01-02T03:04:05Z, and nothing proves it \\(ada: signed by SHA256:`;

describe('preflight (R11)', () => {
  it('refuses successors that embed a revoked certificate, each by its file', async () => {
    await begin({ macs: { tool: await macTool() }, successors: 'new-certificate' });
    await revoke(mesh.nextCertificate.sha1);
    const { plan, reasons } = await prepare();
    expect(plan).toBeNull();
    expect(reasons.filter((one) => one.startsWith('certificate-revoked: '))).toHaveLength(4);
    expect(reasons.join('\n')).toContain(
      `embeds it: certificate ${mesh.nextCertificate.sha1.slice(0, 8)} is revoked since 2026-01-02T03:04:05Z, as ada recorded under INC-5; take a profile without it`,
    );
  });

  it('asks people where a revocation of what it would bring is claimed alone: nothing was touched yet', async () => {
    await begin({ macs: { tool: await macTool() }, successors: 'new-certificate' });
    await revoke(mesh.nextCertificate.sha1, 'stranger');
    const { plan, reasons } = await prepare();
    expect(plan).toBeNull();
    expect(reasons[0]).toMatch(
      new RegExp(`^certificate-claimed-revoked: .* embeds it: ${UNPROVEN}.*: reseal revoke record ${mesh.nextCertificate.sha1} --reason`),
    );
  });

  it('has its horizon in the past where the old assets are revoked, and names the emergency', async () => {
    await begin();
    await revoke(old());
    const preview = await previewRotation(around, REQUEST());
    expect(preview.horizon).toBe(Date.parse(SINCE));
    expect(preview.reasons.join('\n')).toMatch(
      new RegExp(
        `old-asset-revoked: certificate ${old().slice(0, 8)} is revoked since .*: there is no way back to it, .* reseal rotation start --line ios-main --emergency --revoked ${old()}`,
      ),
    );
    expect((await prepare()).plan).toBeNull();
  });

  it('goes on where it is claimed of the old assets alone, and tells whoever approves', async () => {
    await begin();
    const { horizon } = await previewRotation(around, REQUEST());
    await revoke(old(), 'stranger');
    expect((await previewRotation(around, REQUEST())).horizon).toBe(horizon);
    // Successors of this mesh embed it too: only the old assets are looked at here.
    const { summary } = await previewRotation(around, REQUEST());
    expect(summary.at(-1)).toMatch(new RegExp(`^to be found out: ${UNPROVEN}.*reseal revoke record ${old()}`));
  });
});

describe('an incident rollback looks once more (R7, R11)', () => {
  /** A rotation to a new certificate that has completed. */
  async function completed(): Promise<void> {
    await begin();
    const { plan, reasons } = await prepare();
    if (plan === null) throw new Error(reasons.join('; '));
    await around.store('main').advance(mesh.line, plan.fromSeq, plan.to, {});
    const { policy } = around.configuration();
    const state = { ...newRotation(mesh.line, REQUEST().trigger, policy, 0, Date.now()), id: 'ios-main-1', k: 1, phase: 'completed', plan };
    await around.store('main').putRecord('ios-main-1', { schemaVersion: 1, state }, {});
  }
  const incident = () =>
    prepareIncident(around, {
      rotation: 'ios-main-1' as RotationId,
      request: { ...REQUEST(), trigger: { kind: 'person', by: 'ada' as PersonId, ticket: 'INC-9' } },
      key: 'incident',
      askedAt: Date.now(),
    });

  it('goes back to what nobody has said anything about', async () => {
    await completed();
    expect(await incident()).toMatchObject({ reasons: [], state: { phase: 'rolling-back', reasons: [expect.anything()] } });
  });

  it('does not go back to what is revoked', async () => {
    await completed();
    await revoke(old());
    const { state, reasons } = await incident();
    expect(state).toBeNull();
    expect(reasons).toEqual([
      `the old certificate ${old().slice(0, 8)} is revoked since 2026-01-02T03:04:05Z, as ada recorded under INC-5: it died with that`,
    ]);
  });

  it('goes back to what is merely said to be, and says so: a forged record keeps nobody from it', async () => {
    await completed();
    await revoke(old(), 'stranger');
    const { state } = await incident();
    expect(state).toMatchObject({ phase: 'rolling-back' });
    expect(state?.reasons[1]).toMatch(new RegExp(`^it goes back to what may be dead: ${UNPROVEN}`));
    expect(state?.plan?.horizon).toBeGreaterThan(Date.now());
  });

  it('of a rotation in flight it is told what it would go back to', async () => {
    await completed();
    const { manifest: digest } = mesh;
    const { head } = await headOf(around.store('main'), mesh.line);
    expect(await revokedBehind(around, mesh.line, { from: digest, to: head.digest })).toEqual([]);
    await revoke(old());
    const [told] = await revokedBehind(around, mesh.line, { from: digest, to: head.digest });
    expect(told).toContain('a rollback goes to what cannot sign any more; go forward: reseal rotation start --line ios-main --emergency');
  });
});

describe('what is in force and revoked', () => {
  it('the scan tells, with the command, whether anything is due or not', async () => {
    await begin();
    const survey = () => createRotationActivities(around, NO_ORPHANS).surveyLines(0);
    expect((await survey()).lines[0]).not.toHaveProperty('revoked');
    await revoke(old());
    const { lines } = await survey();
    expect(lines[0]?.revoked).toHaveLength(1);
    expect(lines[0]?.revoked?.[0]).toContain(
      `ios-main signs with it; put successors with another certificate where it looks for them, then: reseal rotation start --line ios-main --emergency --revoked ${old()}`,
    );
  });

  it('the scan tells of what its team does not list any more, and records nothing itself; a source that is away holds nothing up', async () => {
    await begin();
    const { manifest } = await headOf(around.store('main'), mesh.line);
    let certificates = (): Promise<TeamCertificates> =>
      Promise.resolve({ listed: [], profiles: manifest.profiles.map(({ profile }) => profile.uuid) });
    const asked = {
      ...around,
      source: (name: string): ProfileSource => ({ ...listing(around.source(name)), certificates: () => certificates() }),
    };
    const survey = async () => (await createRotationActivities(asked, NO_ORPHANS).surveyLines(0)).lines[0]?.revoked ?? [];
    expect(await survey()).toEqual([
      expect.stringMatching(
        new RegExp(
          `^source drop does not list certificate ${old().slice(0, 8)} any more, and ios-main signs with it: .*: reseal revoke record ${old()} --source drop --reason TEXT`,
        ),
      ),
    ]);
    expect(await around.store('main').revocations()).toEqual([]);
    certificates = () => Promise.reject(new ResealError('SOURCE_UNREACHABLE', 'It is away.'));
    expect(await survey()).toEqual([]);
  });

  it('doctor fails, and names it', async () => {
    await begin();
    const doctor = async (): Promise<{ verdict: string; reason: string } | undefined> => {
      const ran = await reseal(['doctor', '--json', '--config', mesh.folders.config, '--home', mesh.folders.root], {
        env: { PATH: process.env['PATH'] },
        now: Date.now(),
      });
      return (JSON.parse(ran.stdout) as { checks: { check: string; verdict: string; reason: string }[] }).checks.find(
        ({ check }) => check === 'revocations',
      );
    };
    expect(await doctor()).toMatchObject({ verdict: 'pass', reason: 'none is recorded' });
    await revoke('f'.repeat(40) as Sha1);
    expect(await doctor()).toMatchObject({ verdict: 'pass', reason: '1 recorded, of nothing that is in force' });
    await revoke(old());
    expect(await doctor()).toMatchObject({
      verdict: 'fail',
      reason: expect.stringContaining(`certificate ${old().slice(0, 8)} is revoked since`) as unknown,
    });
  });
});
