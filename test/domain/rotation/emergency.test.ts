import { describe, expect, it } from 'vitest';
import type { LineName, NodeName, PersonId, RotationId } from '../../../src/domain/brands.js';
import { COMMAND_NAMES, decide, legalCommands, type Command } from '../../../src/domain/rotation/commands.js';
import { changes } from '../../../src/domain/rotation/history.js';
import { apply, newRotation, next, settle, type NodesAction } from '../../../src/domain/rotation/machine.js';
import { obey } from '../../../src/domain/rotation/obey.js';
import type { RotationState, Trouble } from '../../../src/domain/rotation/state.js';
import { statusOf } from '../../../src/domain/rotation/status.js';
import { MODEL_POLICY } from '../../exploration/policy.js';
import { OPENED_WITH, planOf, sha } from './plan.js';

const STARTER = 'rita' as PersonId;
const RIGHTS = Object.fromEntries(['ada', 'grace', 'rita', 'ivan'].map((person) => [person, COMMAND_NAMES]));
const EXPIRES = 1_000_000;
const START = 1_000;

const begun: RotationState = {
  ...newRotation('ios-main' as LineName, { kind: 'person', by: STARTER, ticket: 'CHG-1' }, MODEL_POLICY, 0, START),
  id: 'ios-main-1' as RotationId,
  k: 1,
  rights: RIGHTS,
  emergency: { revoked: 'C0FFEE' },
};

/** Two waves of two nodes after a canary of one; ivan imported the successor. */
function atItsGate(now = START + 1): RotationState {
  const plan = planOf({ waves: [1, 2, 2], horizon: EXPIRES, maxUnavailable: 5, importers: ['ivan'] });
  const prepared = apply({ ...begun, phase: 'preflight' }, { event: 'prepared', plan }, now);
  return settle(apply(prepared, { event: 'gate-opened', rights: RIGHTS, keys: {}, assurance: 'name', ...OPENED_WITH }, now), now);
}

const said = (command: Command['command'], by: string, more: object = {}): Command =>
  ({ command, by: by as PersonId, ticket: 'CHG-1', ...(command === 'approve' ? { digest: sha('b') } : {}), ...more }) as Command;

/** @throws where the machine refuses it */
function say(state: RotationState, command: Command, now: number): RotationState {
  const decision = decide(state, command, now);
  if (!decision.accepted) throw new Error(decision.reason);
  return settle(obey(state, command, now), now);
}

const approved = (now = START + 2): RotationState => say(say(atItsGate(), said('approve', STARTER), now), said('approve', 'ada'), now);

/** What the nodes of the action that is next answer: those in trouble, all others done. */
function nodesAnswer(state: RotationState, now: number, troubled: Readonly<Record<string, Trouble['outcome']>> = {}): RotationState {
  const action = next(state, now) as NodesAction;
  expect(action.do).toBe('nodes');
  const { task, wave, count, again } = action;
  const ended = apply(
    apply(state, { event: 'nodes-begun', task, wave }, now),
    {
      event: 'nodes-ended',
      d: state.d,
      task,
      wave,
      handled: count,
      troubled: Object.entries(troubled).map(([node, outcome]) => ({
        node: node as NodeName,
        outcome,
        active: null,
        reason: `${node} ${outcome}`,
      })),
      untried: [],
      retried: again,
    },
    now,
  );
  return settle(ended, now);
}

const taskOf = (state: RotationState, now: number): string => {
  const action = next(state, now);
  return action.do === 'nodes' ? action.task : action.do;
};

describe('an emergency and its gate (R11, T2)', () => {
  it('waits, with everything frozen and before any node is changed, and asks and pages at once', () => {
    const waiting = atItsGate();
    expect([waiting.phase, waiting.gate?.kind, waiting.done.staged]).toEqual(['preflight', 'emergency', 'no']);
    expect(waiting.question).toMatchObject({ id: 'approve-now', options: ['approve', 'reject'], deadline: null, unanswered: 'stays' });
    expect(next(waiting, START + 1)).toEqual({ do: 'page' });
    const paged = apply(waiting, { event: 'paged' }, START + 1);
    expect(next(paged, START + 1)).toMatchObject({ do: 'wait', until: START + 1 + MODEL_POLICY.escalation.pageEvery });
    // Silence for years leads nowhere else.
    expect(settle(paged, 1e12).phase).toBe('preflight');
    expect(changes({ ...waiting, gate: null }, waiting)).toContainEqual(
      expect.objectContaining({ kind: 'gate', text: 'waiting for 2 approvals before any node is changed' }),
    );
  });

  it('counts persons: who started it once, and nobody twice', () => {
    const one = say(atItsGate(), said('approve', STARTER), START + 2);
    expect(one.phase).toBe('preflight');
    expect(decide(one, said('approve', STARTER), START + 3)).toMatchObject({ accepted: false, code: 'ALREADY_DECIDED' });
    const two = say(one, said('approve', 'ada'), START + 4);
    expect([two.phase, two.gate?.passedAt]).toEqual(['staging', START + 4]);
  });

  it('counts no importer, and nothing of another digest', () => {
    expect(decide(atItsGate(), said('approve', 'ivan'), START + 2)).toMatchObject({ accepted: false, code: 'NOT_ENTITLED' });
    expect(decide(atItsGate(), said('approve', 'ada', { digest: sha('a') }), START + 2)).toMatchObject({
      accepted: false,
      code: 'WRONG_DIGEST',
    });
  });

  it('needs as many persons as policy says for emergencies, whatever it says for other gates', () => {
    const policy = {
      ...MODEL_POLICY,
      gate: { ...MODEL_POLICY.gate, approvals: 1 },
      emergency: { ...MODEL_POLICY.emergency, approvals: 3 },
    };
    const two = ['rita', 'ada'].reduce((state, person) => say(state, said('approve', person), START + 2), { ...atItsGate(), policy });
    expect(two.phase).toBe('preflight');
    expect(statusOf(two, START + 2).gate).toMatchObject({ needed: 3, counting: 2 });
    expect(say(two, said('approve', 'grace'), START + 2).phase).toBe('staging');
  });

  it.each(['reject', 'cancel'] as const)('ends as cancelled by %s, with nothing to be undone', (command) => {
    const ended = say(atItsGate(), said(command, 'ada'), START + 2);
    expect(ended.phase).toBe('cancelled');
    expect(next(ended, START + 2)).toEqual({ do: 'close' });
  });

  it('takes an approval back before it passes', () => {
    const one = say(atItsGate(), said('approve', 'ada'), START + 2);
    const none = say(one, said('withdraw', 'ada'), START + 3);
    expect(say(none, said('approve', 'grace'), START + 4).phase).toBe('preflight');
  });

  it('asks for an approval again that is withdrawn after it, begins nothing more, and goes on with another one', () => {
    const staging = approved();
    const withdrawn = say(staging, said('withdraw', 'ada'), START + 3);
    expect([withdrawn.phase, withdrawn.question?.id]).toEqual(['staging', 'approve-now']);
    expect(next(withdrawn, START + 3)).toEqual({ do: 'page' });
    const again = say(withdrawn, said('approve', 'grace'), START + 4);
    expect(taskOf(again, START + 4)).toBe('stage');
  });

  it.each(['retry', 'exclude'] as const)(
    'what was withdrawn is asked for whatever else somebody says: %s of a node in trouble goes on for nobody (T2)',
    (command) => {
      const staged = nodesAnswer(approved(), START + 3);
      const canary = nodesAnswer(staged, START + 4);
      const troubled = nodesAnswer(canary, START + 5, { n2: 'unreachable' });
      const withdrawn = say(troubled, said('withdraw', 'ada'), START + 6);
      expect(withdrawn.question?.id).toBe('approve-now');
      const nodes = withdrawn.troubles.map(({ node }) => node);
      expect(nodes.length).toBeGreaterThan(0);
      const after = settle(obey(withdrawn, said(command, STARTER, { nodes }), START + 7), START + 7);
      expect(after.question?.id).toBe('approve-now');
      expect(next(after, START + 7)).toEqual({ do: 'page' });
    },
  );

  it('lets nobody go on alone where an approval was withdrawn and the rotation given up', () => {
    const withdrawn = say(approved(), said('withdraw', 'ada'), START + 3);
    const stopped = say(withdrawn, said('cancel', 'ada'), START + 4);
    expect([stopped.phase, stopped.question?.id, stopped.question?.options]).toEqual(['escalated', 'past-horizon', ['close']]);
  });

  it('waits for a roster that people have adopted, and tells them at once', () => {
    const plan = planOf({ waves: [1], horizon: EXPIRES });
    const prepared = apply({ ...begun, phase: 'preflight' }, { event: 'prepared', plan }, START);
    const shut = apply(
      prepared,
      {
        event: 'gate-opened',
        rights: RIGHTS,
        keys: {},
        assurance: 'name',
        ...OPENED_WITH,
        adoption: { reason: 'nobody has adopted it', uncounted: [] },
      },
      START,
    );
    expect(shut.gate).toBeNull();
    expect(next(settle(shut, START), START)).toEqual({ do: 'remind', widened: false });
  });
});

describe('an emergency on its way (R11)', () => {
  /** Up to the round of probes that proves coverage. */
  function soaking(now = START + 10): RotationState {
    const switched = [1, 2, 3, 4].reduce((state) => nodesAnswer(state, now), approved());
    expect(switched.phase).toBe('cutover');
    return apply(switched, { event: 'head-advanced', seq: 2 }, now);
  }

  it('goes from the canary to all others without another gate, and from one round of probes to retiring without the second', () => {
    const policy = { ...MODEL_POLICY, retirement: { ...MODEL_POLICY.retirement, secondGate: true } };
    const now = START + 10;
    const probed = nodesAnswer({ ...soaking(now), policy }, now);
    expect(probed.phase).toBe('retiring');
    expect(nodesAnswer(probed, now).phase).toBe('completed');
  });

  it('does not wait for builds on what is revoked, and says which there are', () => {
    const now = START + 10;
    const held = { builds: 1, nodes: ['n1' as NodeName], jobs: ['a build'], soonest: now + 1_000 };
    const { task } = next(soaking(now), now) as NodesAction;
    const seen = { event: 'nodes-ended', d: 0, task, wave: null, handled: 5, troubled: [], untried: [], retried: [] } as const;
    const after = settle(apply(soaking(now), { ...seen, pins: { silent: 0, pipelines: [], held } }, now), now);
    expect([after.phase, after.pins?.held]).toEqual(['retiring', held]);
    expect(next(after, now)).toMatchObject({ do: 'nodes', task: 'retire', pins: 'ignore' });
  });

  it('tries failed nodes once more by itself, then asks, stays and pages', () => {
    const now = START + 10;
    const first = nodesAnswer(approved(), now, { n3: 'failed' });
    expect(first.question).toBeNull();
    expect(next(first, now)).toMatchObject({ do: 'nodes', task: 'stage', count: 0, again: ['n3'] });
    const second = nodesAnswer(first, now, { n3: 'failed' });
    expect([second.phase, second.question]).toMatchObject([
      'staging',
      { id: 'stalled', nodes: ['n3'], options: expect.arrayContaining(['retry']), deadline: null },
    ]);
    expect(second.question?.options).not.toContain('rollback');
    expect(settle(second, 1e12).phase).toBe('staging');
    const third = say(second, said('answer', 'ada', { question: 'stalled', option: 'retry' }), now);
    expect(next(third, now)).toMatchObject({ task: 'stage', again: ['n3'] });
    // What people ask for is no second turn by itself.
    expect(nodesAnswer(third, now, { n3: 'failed' }).question?.id).toBe('stalled');
  });

  it('leaves no healthy node waiting for one in trouble: it asks when all have had their turn', () => {
    const now = START + 10;
    const canary = nodesAnswer(approved(), now);
    const wave1 = nodesAnswer(nodesAnswer(canary, now), now, { n2: 'failed' });
    expect(next(wave1, now)).toMatchObject({ task: 'switch', wave: 2 });
    const wave2 = nodesAnswer(wave1, now, { n4: 'unreachable', n5: 'failed' });
    expect(next(wave2, now)).toMatchObject({ task: 'switch', again: ['n2', 'n4', 'n5'] });
    expect(nodesAnswer(wave2, now, { n4: 'unreachable' }).question).toMatchObject({ id: 'stalled', nodes: ['n4'] });
  });

  it('asks at once where a keychain stays locked: nobody opens it by trying again', () => {
    const action = nodesAnswer(approved(), START + 10, { n2: 'locked' });
    expect(action.question).toMatchObject({ id: 'keychain-locked', options: expect.arrayContaining(['retry']), deadline: null });
  });

  it('asks when every node is in trouble, without waiting for an allowance', () => {
    const now = START + 10;
    const canary = nodesAnswer(approved(), now);
    const rolling = nodesAnswer(canary, now);
    const eligible = ['ada', 'grace', STARTER] as PersonId[];
    const all = { ...rolling, plan: { ...planOf({ waves: [1, 2, 2], horizon: 0, maxUnavailable: 2, eligible }) } };
    const retried = nodesAnswer(all, now, { n2: 'failed', n3: 'failed' });
    expect(next(retried, now)).toMatchObject({ again: ['n2', 'n3'] });
    expect(nodesAnswer(retried, now, { n2: 'failed', n3: 'failed' }).question?.id).toBe('stalled');
  });

  it('has no rollback in any phase, not even before the certificate would have expired', () => {
    const now = START + 10;
    for (const state of [approved(), nodesAnswer(approved(), now), soaking(now), nodesAnswer(soaking(now), now)]) {
      expect(now).toBeLessThan(EXPIRES);
      expect(legalCommands(state)).not.toContain('rollback');
      expect(decide(state, said('rollback', 'ada'), now).accepted).toBe(false);
    }
  });

  it('stops and asks where somebody cancels it, and takes up its work where that was', () => {
    const now = START + 10;
    const staging = say(approved(), said('cancel', 'ada'), now);
    expect([staging.phase, staging.question]).toMatchObject([
      'escalated',
      { id: 'past-horizon', options: ['resume', 'close'], deadline: null },
    ]);
    const resume = said('answer', 'ada', { question: 'past-horizon', option: 'resume' });
    expect(say(staging, resume, now).phase).toBe('staging');
    expect(say(say(nodesAnswer(approved(), now), said('cancel', 'ada'), now), resume, now).phase).toBe('canary');
    const rolling = nodesAnswer(nodesAnswer(approved(), now), now);
    expect(rolling.phase).toBe('rolling');
    expect(say(say(rolling, said('cancel', 'ada'), now), resume, now).phase).toBe('rolling');
    expect(say(staging, said('close', 'ada', { as: 'partial' }), now).phase).toBe('partial');
  });

  it('escalates where its work on nodes is lost, and goes back nowhere', () => {
    const lost = apply(approved(), { event: 'nodes-lost', task: 'stage', reason: 'terminated' }, START + 10);
    expect([lost.phase, lost.question?.options]).toEqual(['escalated', ['resume', 'close']]);
  });

  it('is paused no longer than nodes may stall elsewhere', () => {
    const now = START + 10;
    const paused = say(approved(), said('pause', 'ada'), now);
    expect(paused.paused?.until).toBe(now + MODEL_POLICY.cohorts.stallTimeout);
    expect(taskOf(settle(paused, now + MODEL_POLICY.cohorts.stallTimeout), now + MODEL_POLICY.cohorts.stallTimeout)).toBe('stage');
  });

  it('leaves a head that somebody else has moved to people', () => {
    const now = START + 10;
    const cutover = [1, 2, 3, 4].reduce((state) => nodesAnswer(state, now), approved());
    const lost = settle(apply(cutover, { event: 'head-lost', reason: 'moved', found: { seq: 9, digest: sha('9') } }, now), now);
    expect([lost.phase, lost.question]).toMatchObject(['escalated', { id: 'head-moved', options: ['close'] }]);
    expect(legalCommands(lost)).toEqual(['answer', 'close']);
  });

  it('waits for a successor beyond the day on which the revoked one would have expired', () => {
    const waiting = { ...begun, phase: 'awaiting-successor' as const };
    const missing = { event: 'successors', missing: ['a successor'], ignored: [], fingerprint: '', expiresFirst: START } as const;
    expect(apply(waiting, missing, START + 1).phase).toBe('awaiting-successor');
  });

  it('says in its status what was revoked, and that there is no way back', () => {
    expect(statusOf(approved(), START + 3)).toMatchObject({
      emergency: { serialLast6: 'C0FFEE' },
      rollbackUntil: null,
      gate: { needed: 2, latest: null },
    });
    const { emergency: _none, ...planned } = begun;
    expect(statusOf(planned, START)).not.toHaveProperty('emergency');
  });
});
