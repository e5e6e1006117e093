import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { stringify } from 'yaml';
import { draftCommand } from '../../src/cli/rotation/draft.js';
import type { RotationView } from '../../src/presenters/rotation.js';
import { ROSTER, simulatedNodes } from '../../src/simulator/mesh/spec.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { Interference } from '../e2e/interference.js';
import { makeSshKey, sshSign, type SshKey } from '../setup/ssh-keys.js';
import { until } from '../setup/until.js';
import { ServedMesh } from './served-mesh.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 240_000 });

const ID = 'ios-main-1';
const HOME = mkdtempSync(join(tmpdir(), 'reseal-signers-'));
const PEOPLE = ['ada', 'grace', 'rita'] as const;
const key = Object.fromEntries(PEOPLE.map((person) => [person, makeSshKey(HOME, person)])) as Record<(typeof PEOPLE)[number], SshKey>;
const laptop = makeSshKey(HOME, 'ada-laptop');

let served: ServedMesh;
const interference = new Interference();
const gone: string[] = [];

beforeAll(async () => {
  served = await ServedMesh.start({
    nodes: simulatedNodes(6),
    decorate: interference.decorate,
    policy: {
      cohorts: { canary: { perImage: 1, share: '5%' }, waves: ['50%', '50%'], maxUnavailable: 1, stallTimeout: '3m' },
      limits: { stepNodes: 100, activitiesPerSecond: 1000, nodeOperationTimeout: '1m', nodeOfflineAfter: '1s' },
    },
  });
  const persons = ROSTER.persons.map((person) => ({
    ...person,
    keys: [key[person.id as keyof typeof key], ...(person.id === 'ada' ? [laptop] : [])].map(({ line }) => ({ kind: 'ssh', public: line })),
  }));
  writeFileSync(join(served.mesh.mesh.folders.config, 'roster.yaml'), stringify({ ...ROSTER, persons }));
});
afterAll(async () => {
  await served.stop();
  rmSync(HOME, { recursive: true, force: true });
});

const reseal = (...argv: string[]) => served.reseal(['rotation', ...argv], { env: { HOME } });
const say = (person: keyof typeof key, verb: string, ...more: string[]) =>
  reseal(verb, ID, '--as', person, '--ticket', 'CHG-1', '--key', key[person].path, ...more);
const view = async (): Promise<RotationView> => (await served.fetch(`/v1/rotations/${ID}`)).json() as Promise<RotationView>;
const word = async (person: string, who: SshKey, nodes: readonly string[]) => {
  const statement = draftCommand('exclude', await view(), { as: person, ticket: 'CHG-1' }, { nodes }, Date.now());
  return { statement, signature: sshSign(who, canonicalBytes(statement), 'reseal-approval-v1') };
};

/** Whoever is switched next goes away. */
async function loseOne(): Promise<string> {
  const known = gone.length;
  return until(async () => (gone.length > known && (await view()).rotation.troubles.length > 0 ? gone.at(-1) : null), {
    what: 'a node in trouble',
  });
}

describe('nodes that people leave out of a rotation, by what they sign (R9, T2)', () => {
  it('in staging, as the answer to a question: the statement names the nodes, and says in words what it does', async () => {
    interference.before = (operation, node) => {
      if (operation !== 'stage' || node !== 'ams-build-1' || gone.length > 0) return;
      gone.push(node);
      renameSync(served.mesh.home(node), `${served.mesh.home(node)}.away`);
    };
    const started = await reseal('start', '--line', 'ios-main', '--as', 'rita', '--ticket', 'CHG-1', '--key', key.rita.path);
    expect(started.exit).toBe(0);
    const asked = await until(async () => ((await view()).rotation.question?.id === 'node-offline' ? (await view()).rotation : null), {
      what: 'the question',
    });
    expect(asked.question).toMatchObject({ nodes: ['ams-build-1'], options: ['wait', 'exclude', 'rollback'] });
    expect((await say('grace', 'answer', '--question', 'stalled', 'exclude')).stderr).toContain(
      'asks node-offline: wait | exclude | rollback.',
    );
    const answered = await say('grace', 'answer', '--question', 'node-offline', 'exclude');
    expect(answered).toMatchObject({ exit: 0 });
    expect(answered.stderr).toContain('  leaves    ams-build-1 out of the rotation: nobody waits for it any more');
    expect(answered.stdout).toMatch(/left out +ams-build-1, by grace: /);
  });

  it('what approvers sign at the gate names who is left out', async () => {
    await until(async () => (await view()).rotation.commands.includes('approve'), { what: 'the gate' });
    expect((await view()).rotation.gate.canary?.excluded).toMatchObject([{ node: 'ams-build-1' }]);
    const approved = await say('ada', 'approve');
    expect(approved.stderr).toMatch(/ {2}ams-build-1 is left out: /);
  });

  it('one more than may be unavailable: a name alone, a forgery, a replay, and the second key of one person count for nothing; a second person does', async () => {
    interference.before = (operation, node, target) => {
      if (operation !== 'switch' || gone.length > 1 || target === served.mesh.mesh.manifest) return;
      gone.push(node);
      renameSync(served.mesh.home(node), `${served.mesh.home(node)}.away`);
    };
    expect((await say('grace', 'approve')).exit).toBe(0);
    const second = await loseOne();
    expect(await served.post(`/v1/rotations/${ID}/exclude`, { by: 'ada', ticket: 'CHG-1', nodes: [second] })).toMatchObject({
      status: 403,
      body: { error: { code: 'SIGNATURE_NEEDED' } },
    });
    const post = async (body: object) => (await served.post(`/v1/rotations/${ID}/exclude`, body)).body.error?.code ?? 'accepted';
    expect(await post(await word('ada', key.rita, [second]))).toBe('SIGNATURE_REFUSED');
    expect(await post(await word('rita', key.rita, [second]))).toBe('accepted');
    expect((await view()).rotation.exclusionsAsked).toEqual([{ node: second, by: ['rita'] }]);
    expect((await view()).rotation.troubles.map(({ node }) => node)).toEqual([second]);

    const ada = await word('ada', laptop, [second]);
    const other = { ...ada, statement: { ...ada.statement, nodes: ['ams-sign-1'] } };
    expect(await post(other)).not.toBe('accepted');
    expect(await post(await word('rita', key.rita, [second]))).toBe('ILLEGAL_COMMAND');
    expect((await reseal('status', ID)).stdout).toContain(`${second}? rita asks for it, a second person has to`);
    expect(await post(ada)).toBe('accepted');
    expect(await post(ada)).not.toBe('accepted');

    const end = await until(async () => ((await view()).rotation.outcome === null ? null : (await view()).rotation), {
      what: 'the end',
      timeout: 90_000,
    });
    expect(end).toMatchObject({ outcome: 'completed', reasons: [`without ams-build-1, ${second}, which people have left out`] });
    expect(end.excluded?.[1]?.said.map(({ person, key: by }) => [person, by])).toEqual([
      ['rita', key.rita.fingerprint],
      ['ada', laptop.fingerprint],
    ]);
  });
});
