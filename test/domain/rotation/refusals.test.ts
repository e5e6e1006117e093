import { describe, expect, it } from 'vitest';
import type { LineName, NodeName, PersonId } from '../../../src/domain/brands.js';
import { COMMAND_NAMES, decide, legalCommands, type Command } from '../../../src/domain/rotation/commands.js';
import { newRotation } from '../../../src/domain/rotation/machine.js';
import type { Gate, RotationState } from '../../../src/domain/rotation/state.js';
import { MODEL_POLICY } from '../../exploration/policy.js';
import { OPENED_WITH, planOf, sha } from './plan.js';

const NOW = 1_000;
const [RITA, ADA, GRACE, MALLORY] = ['rita', 'ada', 'grace', 'mallory'] as [PersonId, PersonId, PersonId, PersonId];
const TICKET = MODEL_POLICY.scan.ticket;
const EVERYTHING = COMMAND_NAMES;
const gate: Gate = {
  kind: 'signoff',
  ...OPENED_WITH,
  openedAt: 0,
  deadline: 9_000,
  remindAt: 9_000,
  widenAt: 9_000,
  silence: 'no',
  passedAt: null,
};

/** At the gate, with grace's approval, a node in trouble and rita as the requester. */
const atTheGate: RotationState = {
  ...newRotation('ios-main' as LineName, { kind: 'person', by: RITA, ticket: TICKET }, MODEL_POLICY, 0, 0),
  phase: 'awaiting-signoff',
  plan: planOf({ waves: [1, 2], horizon: 1_000_000, eligible: [ADA, GRACE] }),
  gate,
  approvals: [{ person: GRACE, digest: sha('b'), ticket: TICKET, at: 0, assurance: 'asserted' }],
  rights: { [RITA]: EVERYTHING, [ADA]: EVERYTHING, [GRACE]: EVERYTHING, ['paul' as PersonId]: ['pause'] },
};
const rolling: RotationState = {
  ...atTheGate,
  phase: 'rolling',
  troubles: [{ node: 'lab-1' as NodeName, task: 'switch', outcome: 'unreachable', reason: 'it does not answer' }],
};
const asking: RotationState = {
  ...rolling,
  question: {
    id: 'stalled',
    nodes: ['lab-1' as NodeName],
    options: ['retry', 'exclude', 'rollback'],
    askedAt: 0,
    deadline: 9_000,
    unanswered: 'rollback',
    nextPageAt: 0,
  },
};

const said = (by: PersonId, ticket = TICKET) => ({ by, ticket });
const refusalOf = (state: RotationState, command: Command) => {
  const decision = decide(state, command, NOW);
  if (decision.accepted) throw new Error(`${command.command} is accepted`);
  return decision;
};

describe('a refused command', () => {
  it('that the phase forbids says what is possible instead', () => {
    const refusal = refusalOf(atTheGate, { command: 'resume', ...said(RITA) });
    expect(refusal).toMatchObject({
      code: 'ILLEGAL_COMMAND',
      reason: 'the command resume has no meaning while the rotation is awaiting-signoff',
    });
    expect(refusal.legal).toEqual(legalCommands(atTheGate));
    expect(refusal.legal).toContain('approve');
  });

  it.each<[string, RotationState, Command, string]>([
    ['a stranger', atTheGate, { command: 'pause', ...said(MALLORY) }, 'no such person: mallory is not on the roster'],
    ['a person without the right', atTheGate, { command: 'cancel', ...said('paul' as PersonId) }, 'the roster does not let paul cancel'],
    ['the requester', atTheGate, { command: 'reject', ...said(RITA) }, 'the requester does not decide: rita asked for this rotation'],
    [
      'a second approval of one person',
      atTheGate,
      { command: 'approve', digest: sha('b'), ...said(GRACE) },
      'once is enough: grace has approved already, and approvals count by person',
    ],
    [
      'another digest',
      atTheGate,
      { command: 'approve', digest: sha('a'), ...said(ADA) },
      `what is to be approved is ${sha('b')}, the approval names ${sha('a')}`,
    ],
    [
      'another ticket',
      atTheGate,
      { command: 'approve', digest: sha('b'), ...said(ADA, 'CHG-999') },
      `this rotation runs under ${TICKET}, not CHG-999`,
    ],
    ['an approval that was never given', atTheGate, { command: 'withdraw', ...said(ADA) }, 'no approval to withdraw: ada has given none'],
    [
      'a node that is well',
      rolling,
      { command: 'retry', nodes: ['lab-2' as NodeName], ...said(ADA) },
      'not in trouble, so not to be retried: lab-2',
    ],
    [
      'another question',
      asking,
      { command: 'answer', question: 'head-moved', option: 'rollback', ...said(ADA) },
      'the open question is stalled, not head-moved',
    ],
    [
      'an option that there is not',
      asking,
      { command: 'answer', question: 'stalled', option: 'close', ...said(ADA) },
      'the question stalled is answered by retry, exclude, rollback, not by close',
    ],
  ])('for %s names no other commands: none of them would do', (_, state, command, reason) => {
    expect(refusalOf(state, command)).toMatchObject({ reason, legal: [] });
  });
});
