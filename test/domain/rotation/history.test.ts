import { describe, expect, it } from 'vitest';
import type { LineName, NodeName, PersonId } from '../../../src/domain/brands.js';
import type { Command } from '../../../src/domain/rotation/commands.js';
import { changes, type HistoryKind } from '../../../src/domain/rotation/history.js';
import { newRotation, settle } from '../../../src/domain/rotation/machine.js';
import { obey } from '../../../src/domain/rotation/obey.js';
import { ask } from '../../../src/domain/rotation/questions.js';
import type { Approval, Gate, QuestionId, RotationState, Trouble } from '../../../src/domain/rotation/state.js';
import { MODEL_POLICY } from '../../exploration/policy.js';
import { OPENED_WITH, planOf, sha } from './plan.js';

const NOW = 1_000;
const TICKET = 'CHG-1';
const [RITA, ADA, GRACE] = ['rita', 'ada', 'grace'] as [PersonId, PersonId, PersonId];
const gate: Gate = { kind: 'signoff', ...OPENED_WITH, openedAt: 0, deadline: 1e6, remindAt: 1e6, widenAt: 1e6, silence: 'no', passedAt: 1 };
const approval = (person: PersonId): Approval => ({ person, digest: sha('b'), ticket: TICKET, at: NOW, assurance: 'asserted' });
const away = (node: string): Trouble => ({ node: node as NodeName, task: 'switch', outcome: 'unreachable', reason: 'it does not answer' });

const rolling: RotationState = {
  ...newRotation('ios-main' as LineName, { kind: 'person', by: RITA, ticket: TICKET }, MODEL_POLICY, 0, 0),
  phase: 'rolling',
  plan: planOf({ waves: [1, 2], horizon: 1e9, eligible: [ADA, GRACE] }),
  gate,
  approvals: [approval(ADA), approval(GRACE)],
  done: { staged: 'done', switched: ['done', 'begun'], head: 'no', retired: 'no' },
};
const asking = (id: QuestionId, more: Partial<RotationState>): RotationState => {
  const state = { ...rolling, ...more };
  return ask(state, { id, nodes: state.troubles.map((trouble) => trouble.node) }, NOW);
};
const answered = (state: RotationState, option: string): RotationState =>
  obey(state, { command: 'answer', question: state.question?.id ?? '', option, digest: sha('b'), by: ADA, ticket: TICKET }, NOW);

const told = (before: RotationState, after: RotationState, kind: HistoryKind): readonly string[] =>
  changes(before, after).flatMap((fact) => (fact.kind === kind ? [fact.text] : []));

describe('the record of a question says what became of it', () => {
  const stalled = asking('stalled', { troubles: [away('lab-1'), away('lab-2')] });

  it.each<[string, RotationState, RotationState, string]>([
    ['retry', stalled, answered(stalled, 'retry'), 'the question stalled is settled: another turn for lab-1, lab-2'],
    ['rollback', stalled, answered(stalled, 'rollback'), 'the question stalled is settled: ada answered stalled with rollback'],
    ['silence', stalled, settle(stalled, stalled.question?.deadline ?? 0), 'the question stalled was not answered in time'],
  ])('%s', (_, before, after, text) => {
    expect(told(before, after, 'answered')).toEqual([text]);
  });

  it('a retry of some nodes names those', () => {
    const retry: Command = { command: 'retry', nodes: ['lab-2' as NodeName], by: ADA, ticket: TICKET };
    expect(told(stalled, obey(stalled, retry, NOW), 'answered')).toEqual(['the question stalled is settled: another turn for lab-2']);
  });

  it('approvals that were asked for, going on past the horizon, a store that is tried again, an end by people', () => {
    const gated = asking('approve-now', { phase: 'awaiting-signoff', approvals: [approval(GRACE)] });
    expect(told(gated, settle(answered(gated, 'approve'), NOW), 'answered')).toEqual([
      'the question approve-now is settled: enough approvals came',
    ]);
    const late = asking('past-horizon', { phase: 'escalated' });
    expect(told(late, answered(late, 'resume'), 'answered')).toEqual([
      'the question past-horizon is settled: it goes on with the new assets',
    ]);
    const store = asking('stalled', { phase: 'cutover' });
    expect(told(store, answered(store, 'retry'), 'answered')).toEqual(['the question stalled is settled: it is tried again']);
    const left = asking('node-not-back', { phase: 'escalated', troubles: [away('lab-1')] });
    expect(told(left, answered(left, 'close'), 'answered')).toEqual([
      `the question node-not-back is settled: closed as partial by ada (${TICKET})`,
    ]);
  });
});

describe('the record of a pause', () => {
  const command = (name: 'pause' | 'resume' | 'withdraw' | 'rollback', by: PersonId): Command => ({ command: name, by, ticket: TICKET });
  const paused = obey(rolling, command('pause', RITA), NOW);

  it('says who paused, or whose withdrawal did', () => {
    expect(told(rolling, paused, 'pause')).toEqual([expect.stringMatching(/^paused by rita, at most until \d{4}-/)]);
    const withdrawn = obey(rolling, command('withdraw', GRACE), NOW);
    expect(told(rolling, withdrawn, 'pause')).toEqual([
      expect.stringMatching(/^paused, for grace withdrew an approval, at most until \d{4}-/),
    ]);
  });

  it('says that it goes on only where it does', () => {
    expect(told(paused, obey(paused, command('resume', RITA), NOW), 'resume')).toEqual(['goes on']);
    expect(told(paused, obey(paused, command('rollback', ADA), NOW), 'resume')).toEqual(['the pause ends']);
  });
});
