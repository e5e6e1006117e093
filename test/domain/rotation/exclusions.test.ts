import { describe, expect, it } from 'vitest';
import type { LineName, NodeName, PersonId } from '../../../src/domain/brands.js';
import { decide, decideSigned, legalCommands, type Command } from '../../../src/domain/rotation/commands.js';
import { changes } from '../../../src/domain/rotation/history.js';
import { apply, canaryReportOf, newRotation, next, settle, type RotationEvent } from '../../../src/domain/rotation/machine.js';
import { wordsBeside } from '../../../src/domain/rotation/exclusions.js';
import { obey, obeySigned } from '../../../src/domain/rotation/obey.js';
import type { Phase } from '../../../src/domain/rotation/phases.js';
import type { NodeTask, Reached, RotationState, Trouble } from '../../../src/domain/rotation/state.js';
import type { CommandStatement } from '../../../src/domain/rotation/statement.js';
import { statusOf } from '../../../src/domain/rotation/status.js';
import type { RosterCommand } from '../../../src/domain/roster.js';
import { PolicySchema } from '../../../src/schema/policy.js';
import { BY_NAME, OPENED_WITH, planOf } from './plan.js';

const NOW = 1_800_000_000_000;
const DAY = 86_400_000;
const policy = PolicySchema.parse({ schemaVersion: 1, scan: { ticket: 'CHG-1' }, cohorts: { maxUnavailable: 2 } });
const [ONE, TWO, THREE, FOUR, CANARY] = ['n1', 'n2', 'n3', 'n4', 'c1'] as NodeName[] as [NodeName, NodeName, NodeName, NodeName, NodeName];
const RIGHTS: readonly RosterCommand[] = ['exclude', 'retry', 'rollback', 'approve', 'answer'];
const rights = { ada: RIGHTS, grace: RIGHTS, rita: ['start'] } as unknown as RotationState['rights'];

const trouble = (node: NodeName, task: NodeTask, outcome: Trouble['outcome'] = 'unreachable'): Trouble => ({
  node,
  task,
  outcome,
  reason: 'no answer',
});

/** Ten nodes, one of them the canary; two may be unavailable. */
function inPhase(phase: Phase, troubles: readonly Trouble[], more: Partial<RotationState> = {}): RotationState {
  const trigger = { kind: 'person', by: 'rita' as PersonId, ticket: 'CHG-7' } as const;
  const state = newRotation('ios-main' as LineName, trigger, policy, 0, NOW);
  const plan = planOf({ waves: [1, 4, 5], horizon: NOW + 60 * DAY, maxUnavailable: 2, canaryProof: [CANARY] });
  const switched: readonly Reached[] =
    phase === 'staging' ? ['no', 'no', 'no'] : phase === 'canary' ? ['begun', 'no', 'no'] : ['done', 'begun', 'no'];
  const gate = {
    kind: 'signoff',
    openedAt: NOW,
    deadline: NOW,
    remindAt: NOW,
    widenAt: NOW,
    silence: 'no',
    passedAt: NOW,
    ...OPENED_WITH,
  } as const;
  const passed = phase === 'staging' || phase === 'canary' ? null : gate;
  return {
    ...state,
    phase,
    plan,
    k: 7,
    rights,
    troubles,
    gate: passed,
    authority: BY_NAME,
    done: { staged: 'done', switched, head: 'no', retired: 'no' },
    ...more,
  };
}

const say = (by: string, ...nodes: NodeName[]): Command & { readonly command: 'exclude' } => ({
  command: 'exclude',
  by: by as PersonId,
  ticket: 'CHG-7',
  nodes,
});

function after(state: RotationState, ...commands: readonly Command[]): RotationState {
  return commands.reduce((current, command) => {
    expect(decide(current, command, NOW)).toEqual({ accepted: true });
    return settle(obey(current, command, NOW), NOW);
  }, state);
}
const refused = (state: RotationState, command: Command): string => {
  const decision = decide(state, command, NOW);
  return decision.accepted ? 'accepted' : `${decision.code}: ${decision.reason}`;
};
const outOf = (state: RotationState): readonly NodeName[] => (state.excluded ?? []).map(({ node }) => node);

const statementOf = (state: RotationState): CommandStatement & { readonly says: 'exclude' } => ({
  schemaVersion: 1,
  says: 'exclude',
  installation: BY_NAME.installation,
  mode: 'production',
  line: state.line,
  rotation: state.id,
  epoch: 7_000,
  person: 'ada' as PersonId,
  ticket: 'CHG-7',
  nodes: [ONE],
  reason: null,
  nonce: '0'.repeat(32),
  issuedAt: new Date(NOW).toISOString(),
  expiresAt: new Date(NOW + 60_000).toISOString(),
});

describe('leaving nodes out of a rotation (R9, R10, T2)', () => {
  it('as many as may be unavailable are left out at one word, for more two persons name each of them', () => {
    const rolling = inPhase('rolling', [trouble(ONE, 'switch'), trouble(TWO, 'switch')]);
    const two = after(rolling, say('ada', ONE, TWO));
    expect(outOf(two)).toEqual([ONE, TWO]);
    expect(two.troubles).toEqual([]);

    const third = { ...two, troubles: [trouble(THREE, 'switch')] };
    const asked = after(third, say('ada', THREE));
    expect(outOf(asked)).toEqual([ONE, TWO]);
    expect(asked.troubles).toHaveLength(1);
    expect(statusOf(asked, NOW).exclusionsAsked).toEqual([{ node: THREE, by: ['ada'] }]);
    expect(refused(asked, say('ada', THREE))).toBe(
      'ILLEGAL_COMMAND: once is enough: ada has asked for it already, and a second person is waited for',
    );
    const out = after(asked, say('grace', THREE));
    expect(outOf(out)).toEqual([ONE, TWO, THREE]);
    expect(out.excluded?.[2]?.said.map(({ person }) => person)).toEqual(['ada', 'grace']);
    expect(statusOf(out, NOW).exclusionsAsked).toBeUndefined();
  });

  it('at once, three together need two persons as well, and only those that both name are left out', () => {
    const rolling = inPhase('rolling', [trouble(ONE, 'switch'), trouble(TWO, 'switch'), trouble(THREE, 'switch')]);
    const asked = after(rolling, say('ada', ONE, TWO, THREE));
    expect(outOf(asked)).toEqual([]);
    const both = after(asked, say('grace', TWO, THREE));
    expect(outOf(both)).toEqual([TWO, THREE]);
    expect(statusOf(both, NOW).exclusionsAsked).toEqual([{ node: ONE, by: ['ada'] }]);
  });

  it('a word counts in its direction, and as long as an approval does', () => {
    const full = inPhase('rolling', [trouble(ONE, 'switch'), trouble(TWO, 'switch'), trouble(THREE, 'switch')]);
    const asked = after(full, say('ada', ONE, TWO, THREE));
    const turned = { ...asked, d: asked.d + 1 };
    expect(outOf(obey(turned, say('grace', ONE, TWO, THREE), NOW))).toEqual([]);
    const late = NOW + policy.gate.approvalValid + 1;
    expect(outOf(obey(asked, say('grace', ONE, TWO, THREE), late))).toEqual([]);
    expect(statusOf(asked, late).exclusionsAsked).toBeUndefined();
  });

  it('only who may, only nodes in trouble, and never all of them', () => {
    const rolling = inPhase('rolling', [trouble(ONE, 'switch')]);
    expect(refused(rolling, say('rita', ONE))).toBe('NOT_ENTITLED: the roster does not let rita exclude');
    expect(refused(rolling, say('ada', FOUR))).toBe('ILLEGAL_COMMAND: not in trouble, so not to be left out: n4');
    expect(refused(rolling, say('ada'))).toBe('ILLEGAL_COMMAND: name the nodes to leave out');
    expect(refused(rolling, { ...say('ada', ONE), ticket: 'please' })).toMatch(/^WRONG_TICKET/);
    expect(refused(rolling, { ...say('ada'), nodes: 'n1' } as never)).toBe('USAGE: name the nodes to exclude, as a list');
    const plan = planOf({ waves: [1], horizon: NOW + 60 * DAY, canaryProof: [CANARY] });
    expect(refused({ ...rolling, plan }, say('ada', ONE))).toBe('ILLEGAL_COMMAND: then no node would be left: roll back, or close it');
    const uncounted = [{ person: 'ada' as PersonId, keys: null, because: 'edited the roster alone' }] as never;
    const gate = rolling.gate === null ? null : { ...rolling.gate, uncounted };
    expect(refused({ ...rolling, gate }, say('ada', ONE))).toBe(
      'NOT_ENTITLED: nothing that lets a rotation go on counts of ada, who edited the roster alone',
    );
  });

  it.each(['awaiting-signoff', 'cutover', 'retiring', 'rolling-back', 'completed'] as const)('has no meaning while %s', (phase) => {
    const state = inPhase(phase, [trouble(ONE, 'switch')]);
    expect(legalCommands(state)).not.toContain('exclude');
    expect(refused(state, say('ada', ONE))).toMatch(/^ILLEGAL_COMMAND: the command exclude has no meaning/);
  });

  it('a canary of which nothing is left that signs would prove nothing: its last signer is not left out of it, nor of the staging before', () => {
    for (const phase of ['staging', 'canary'] as const) {
      const state = inPhase(phase, [trouble(CANARY, phase === 'staging' ? 'stage' : 'switch', 'inconclusive')]);
      expect(refused(state, say('ada', CANARY))).toBe(
        'ILLEGAL_COMMAND: without c1 the canary would prove nothing: bring it back, or roll back',
      );
    }
    const standIns = [{ node: CANARY, by: TWO, at: NOW, reason: 'locked' }];
    const stood = inPhase('canary', [trouble(TWO, 'switch', 'inconclusive')], { standIns });
    expect(refused(stood, say('ada', TWO))).toMatch(/without n2 the canary/);
    const before = inPhase('canary', [trouble(ONE, 'switch')]);
    const { canaryProof: _, ...old } = before.plan as NonNullable<RotationState['plan']>;
    expect(refused({ ...before, plan: old }, say('ada', ONE))).toMatch(/began with a version/);
  });

  it('in an emergency the canary’s last signer may be left out: what it was to prove people have approved before, and nobody can sign (R11)', () => {
    const emergency = { emergency: { revoked: 'C0FFEE' } };
    const gone = inPhase('canary', [trouble(CANARY, 'switch', 'unreachable')], emergency);
    expect(outOf(obey(gone, say('ada', CANARY), NOW))).toEqual([CANARY]);
    expect(decide(gone, say('ada', CANARY), NOW)).toEqual({ accepted: true });
    const failed = inPhase('canary', [trouble(CANARY, 'switch', 'failed')], emergency);
    expect(refused(failed, say('ada', CANARY))).toMatch(/c1 shows that something is wrong with what is to come/);
  });

  it('once people are asked about it, nothing is taken out of the canary: what they approve has been seen', () => {
    const { gate } = inPhase('rolling', []);
    const again = inPhase('canary', [trouble(ONE, 'switch', 'inconclusive')], {
      gate: { ...gate, passedAt: null } as RotationState['gate'],
    });
    expect(refused(again, say('ada', ONE))).toMatch(/people are asked about what this canary shows/);
  });

  it('a word goes with the trouble that it was about, and with the gate before which it was said', () => {
    const asked = after(
      inPhase('rolling', [trouble(ONE, 'switch'), trouble(TWO, 'switch'), trouble(THREE, 'switch')]),
      say('ada', ONE, TWO, THREE),
    );
    const mended = settle({ ...asked, troubles: asked.troubles.slice(1) }, NOW);
    expect(mended.exclusionsAsked?.map(({ nodes }) => nodes)).toEqual([[TWO, THREE]]);
    const atGate = { ...asked, phase: 'awaiting-signoff', gate: null } as RotationState;
    const opening = { event: 'gate-opened', rights, keys: {}, assurance: 'name', ...OPENED_WITH } as unknown as RotationEvent;
    expect(apply(atGate, opening, NOW).exclusionsAsked).toEqual([]);
  });

  it('nothing is begun any more on who is left out, and what was under way says nothing of it', () => {
    const work = { operation: 'probe', wave: null, handled: 0, again: [] } as const;
    const soak = { endsAt: NOW + DAY, nextProbeAt: NOW, rounds: 1 };
    const soaking = inPhase('soaking', [trouble(ONE, 'probe')], { work, soak });
    const out = after(soaking, say('ada', ONE));
    expect(next(out, NOW)).toMatchObject({ do: 'nodes', task: 'probe', except: [ONE] });
    const troubled = [{ node: ONE, outcome: 'unreachable', active: null, reason: 'no answer' }];
    const ended = {
      event: 'nodes-ended',
      d: 0,
      task: 'probe',
      wave: null,
      handled: 10,
      troubled,
      untried: [],
      retried: [],
    } as unknown as RotationEvent;
    expect(apply(out, ended, NOW).troubles).toEqual([]);
    // What it was to have another turn for goes with it.
    const again = inPhase('rolling', [trouble(ONE, 'switch')], { work: { operation: 'switch', wave: 1, handled: 4, again: [ONE, TWO] } });
    expect(after(again, say('ada', ONE)).work?.again).toEqual([TWO]);
  });

  it('a question is settled when nobody is left whom it is about, and asked of the others until then', () => {
    const both = inPhase('staging', [trouble(ONE, 'stage'), trouble(TWO, 'stage')], {
      work: { operation: 'stage', wave: null, handled: 10, again: [] },
    });
    const asked = settle(both, NOW);
    expect(asked.question).toMatchObject({ id: 'node-offline', options: ['wait', 'exclude', 'rollback'], nodes: [ONE, TWO] });
    const answer: Command = { command: 'answer', by: 'ada' as PersonId, ticket: 'CHG-7', question: 'node-offline', option: 'exclude' };
    expect(refused(asked, answer)).toBe(
      'ILLEGAL_COMMAND: whoever leaves nodes out names them: reseal rotation exclude ios-main-new --node n1 --node n2',
    );
    const narrowed = obey(asked, say('ada', ONE), NOW);
    expect(narrowed.question).toMatchObject({ id: 'node-offline', nodes: [TWO] });
    const left = obey(narrowed, say('ada', TWO), NOW);
    expect(changes(narrowed, left).map(({ kind, text }) => `${kind}: ${text}`)).toEqual([
      'exclusion: n2 is left out by ada: no answer',
      'answered: the question node-offline is settled: it goes on without n2',
    ]);
    expect(settle(left, NOW).phase).toBe('canary');
  });

  it('what people sign at the gate says who is left out, and binds it', () => {
    const out = after(inPhase('staging', [trouble(ONE, 'stage')]), { ...say('ada', ONE), reason: 'in repair' });
    expect(canaryReportOf(out).excluded).toEqual([{ node: ONE, reason: 'no answer' }]);
    expect(canaryReportOf(inPhase('canary', [])).excluded).toBeUndefined();
  });

  it('an old asset that cannot be retired on a node left out stays there: the rotation completes, and says without whom (R9)', () => {
    const state = inPhase('escalated', [trouble(ONE, 'retire')], { turnedAt: 'retiring' });
    const question = {
      id: 'retire-failed',
      nodes: [ONE],
      options: ['retry', 'exclude', 'rollback', 'close'],
      askedAt: NOW,
      deadline: null,
      unanswered: 'stays',
      nextPageAt: NOW,
    } as const;
    const out = after({ ...state, question }, say('ada', ONE));
    expect(out).toMatchObject({ phase: 'retiring', d: 1, question: null });
    expect(next(out, NOW)).toMatchObject({ do: 'nodes', task: 'retire', except: [ONE] });
    const done = settle({ ...out, work: { operation: 'retire', wave: null, handled: 10, again: [] } }, NOW);
    expect(done).toMatchObject({ phase: 'completed', reasons: ['without n1, which people have left out'] });
  });

  it('a rollback brings back whoever may have been switched, left out or not; one that was never switched it leaves alone (R6)', () => {
    const staged = after(inPhase('staging', [trouble(ONE, 'stage')]), say('ada', ONE));
    const rolling = after(
      {
        ...staged,
        phase: 'rolling',
        troubles: [trouble(TWO, 'switch')],
        done: { staged: 'done', switched: ['done', 'begun', 'no'], head: 'no', retired: 'no' },
      },
      say('ada', TWO),
    );
    expect(outOf(rolling)).toEqual([ONE, TWO]);
    const back = after(rolling, { command: 'rollback', by: 'ada' as PersonId, ticket: 'CHG-7' });
    expect(next(back, NOW)).toMatchObject({ do: 'nodes', task: 'return', wave: 1, except: [ONE] });
  });

  it('a silent gate brings back whoever may have been switched as well: with the canary the whole mesh is on the old assets (R5)', () => {
    const out = after(inPhase('canary', [trouble(ONE, 'switch')]), say('ada', ONE));
    const { gate } = inPhase('rolling', []);
    const silent = {
      ...out,
      phase: 'awaiting-signoff',
      work: null,
      gate: { ...gate, passedAt: null, silence: 'returning' },
    } as RotationState;
    expect(next(silent, NOW)).toMatchObject({ do: 'nodes', task: 'return', wave: 0, except: [] });
    expect(next({ ...silent, phase: 'canary' }, NOW)).toMatchObject({ do: 'nodes', task: 'switch', except: [ONE] });
  });

  it('on the way back people may leave out who does not come back: it ends rolled back without it, and never says that it was', () => {
    const notBack = inPhase('escalated', [trouble(ONE, 'return')], {
      done: { staged: 'no', switched: ['no', 'no', 'no'], head: 'no', retired: 'no' },
      d: 1,
      turnedAt: 'rolling',
    });
    const question = {
      id: 'node-not-back',
      nodes: [ONE],
      options: ['retry', 'exclude', 'close'],
      askedAt: NOW,
      deadline: null,
      unanswered: 'stays',
      nextPageAt: NOW,
    } as const;
    const out = obey({ ...notBack, question }, say('ada', ONE), NOW);
    const ended = settle(out, NOW);
    expect(ended).toMatchObject({ phase: 'rolled-back', reasons: ['without n1, which people have left out'] });
    expect(ended.excluded?.[0]).toMatchObject({ node: ONE, left: 'on-the-way-back' });
    expect(changes(out, ended).map(({ text }) => text)).toContain('every node but n1, left out serves the old assets');
  });

  it('whoever is off the roster meanwhile, or has another key, has asked for nothing (T2)', () => {
    const full = inPhase('rolling', [trouble(ONE, 'switch'), trouble(TWO, 'switch'), trouble(THREE, 'switch')]);
    const waiting = after(full, say('ada', ONE, TWO, THREE));
    const statement = { ...statementOf(waiting), person: 'grace' as PersonId, nodes: [ONE, TWO, THREE] } as CommandStatement;
    const counted = { key: 'SHA256:g', signed: { statement, signature: '' } };
    expect(outOf(obeySigned(waiting, { ...counted, voided: [] }, NOW))).toEqual([ONE, TWO, THREE]);
    const alone = obeySigned(waiting, { ...counted, voided: ['ada' as PersonId] }, NOW);
    expect(outOf(alone)).toEqual([]);
    expect(statusOf(alone, NOW).exclusionsAsked?.[0]).toEqual({ node: ONE, by: ['grace'] });
    expect(wordsBeside(waiting, statement).map(({ person }) => person)).toEqual(['ada']);
  });

  it('signed, it counts for this rotation and direction alone (T2)', () => {
    const state = inPhase('rolling', [trouble(ONE, 'switch')]);
    const statement = statementOf(state);
    expect(decideSigned(state, statement, NOW)).toEqual({ accepted: true });
    expect(decideSigned(state, { ...statement, epoch: 6_999 }, NOW)).toMatchObject({ code: 'STATEMENT_REFUSED' });
    expect(decideSigned(state, { ...statement, rotation: 'ios-main-6' as RotationState['id'] }, NOW)).toMatchObject({
      code: 'STATEMENT_REFUSED',
    });
    expect(decideSigned(state, { ...statement, mode: 'rehearsal' }, NOW)).toMatchObject({ code: 'STATEMENT_REFUSED' });
    const heard = [{ nonce: statement.nonce, expiresAt: NOW + 60_000 }];
    expect(decideSigned({ ...state, heard }, statement, NOW)).toMatchObject({ code: 'ALREADY_DECIDED' });
  });
});
