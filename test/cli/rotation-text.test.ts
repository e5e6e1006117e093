import { describe, expect, it } from 'vitest';
import type { LineName, PersonId, RotationId } from '../../src/domain/brands.js';
import { newRotation } from '../../src/domain/rotation/machine.js';
import type { Outcome, Phase } from '../../src/domain/rotation/phases.js';
import { ask } from '../../src/domain/rotation/questions.js';
import type { RotationState } from '../../src/domain/rotation/state.js';
import { statusOf } from '../../src/domain/rotation/status.js';
import { changesText, eventText, rotationListText, rotationText } from '../../src/presenters/rotation-text.js';
import { eventView, rotationStatusView, type ChangeView, type RotationView } from '../../src/presenters/rotation.js';
import { createOutput } from '../../src/cli/output.js';
import { PolicySchema } from '../../src/schema/policy.js';
import { OPENED_WITH, planOf, sha } from '../domain/rotation/plan.js';

const NOW = Date.parse('2026-11-23T12:00:00Z');
const MINUTE = 60_000;
const policy = PolicySchema.parse({ schemaVersion: 1, scan: { ticket: 'CHG-1' } });
const pen = createOutput({ stdout: process.stdout, stderr: process.stderr }, { json: false, env: { NO_COLOR: '1' } });

const plan = planOf({ waves: [1, 2], horizon: NOW + 6 * 24 * 60 * MINUTE });

/** A rotation as it stands in a phase, that began an hour ago. */
function at(phase: Phase, more: Partial<RotationState> = {}): RotationState {
  const trigger = { kind: 'person', by: 'rita' as PersonId, ticket: 'CHG-7' } as const;
  const state = newRotation('ios-main' as LineName, trigger, policy, 0, NOW - 60 * MINUTE);
  return { ...state, id: 'ios-main-7' as RotationId, k: 7, plan, done: { ...state.done, switched: ['done', 'no'] }, phase, ...more };
}

const viewOf = (state: RotationState): RotationView => ({
  schemaVersion: 1,
  rotation: rotationStatusView(statusOf(state, NOW), []),
  changes: null,
  changesUnknown: null,
  source: 'workflow',
});
const textOf = (state: RotationState): string => rotationText(viewOf(state), pen, NOW).join('\n');
const ended = (outcome: Outcome, more: Partial<RotationState> = {}): RotationState => at(outcome, { endedAt: NOW - 5 * MINUTE, ...more });

describe('the status of a rotation tells its ends apart (R6, R7, P1)', () => {
  it('completed: done, and how to go back while the old assets can sign (R7)', () => {
    expect(viewOf(ended('completed')).rotation).toMatchObject({ phase: 'completed', outcome: 'completed', question: null, commands: [] });
    expect(textOf(ended('completed'))).toMatch(/^ios-main-7 {2}completed {2}ended 5 minutes ago, took 55 minutes\n/);
    expect(textOf(ended('completed'))).not.toContain('restored');
    const goBack = 'bring the old assets back: reseal rotation rollback ios-main-7 --as PERSON --ticket TICKET';
    expect(textOf(ended('completed'))).toContain(goBack);
    expect(textOf(ended('completed', { plan: { ...plan, horizon: NOW - MINUTE } }))).not.toContain(goBack);
  });

  it('rolled-back: why, and since when every node serves the old assets', () => {
    const state = ended('rolled-back', { reasons: ['rejected by ada'], restoredAt: NOW - 10 * MINUTE, turnedAt: 'awaiting-signoff' });
    expect(viewOf(state).rotation).toMatchObject({ outcome: 'rolled-back', reasons: ['rejected by ada'], turnedIn: 'awaiting-signoff' });
    expect(textOf(state)).toMatch(/because {3}rejected by ada/);
    expect(textOf(state)).toMatch(/restored {2}every node serves the old assets since .*10 minutes ago/);
  });

  it('parked: the old assets too, by another name', () => {
    const state = ended('parked', { restoredAt: NOW - 10 * MINUTE });
    expect(viewOf(state).rotation.outcome).toBe('parked');
    expect(textOf(state)).toMatch(/^ios-main-7 {2}parked /);
  });

  it('parked: what is on the nodes, until when that is good, and who has to do what', () => {
    expect(textOf(ended('parked'))).toMatch(/^ {2}on nodes {2}the old assets serve everywhere; the new ones lie beside them/m);
    const next = /^ {2}next {6}the old assets (.+); the scan does not try .* reseal rotation start --line ios-main --after ios-main-7 /m;
    expect(next.exec(textOf(ended('parked')))?.[1]).toBe('die in 6 days');
    expect(next.exec(textOf(ended('parked', { plan: { ...plan, horizon: NOW - MINUTE } })))?.[1]).toBe('died 1 minute ago');
    expect(textOf(ended('rolled-back'))).not.toContain('on nodes');
  });

  it('escalated: no end; the nodes by name, the question, and how to answer it', () => {
    const trouble = { node: 'lab-3', task: 'return', outcome: 'unreachable', reason: 'lab-3 does not answer' } as const;
    const open = at('escalated', { troubles: [trouble as RotationState['troubles'][number]], turnedAt: 'rolling' });
    const state = ask(open, { id: 'node-not-back', nodes: open.troubles.map((one) => one.node) }, NOW);
    expect(viewOf(state).rotation).toMatchObject({
      phase: 'escalated',
      outcome: null,
      question: { id: 'node-not-back', nodes: ['lab-3'] },
    });
    const text = textOf(state);
    expect(text).toMatch(/QUESTION {2}node-not-back about lab-3: retry \| exclude \| close/);
    expect(text).toContain('reseal rotation answer ios-main-7 --question node-not-back OPTION --as PERSON --ticket TICKET');
    expect(text).toMatch(/you can {3}.*close/);
  });

  it('on its way back: nobody is asked for an approval any more', () => {
    const [openedAt, later] = [NOW - 20 * MINUTE, NOW + 100 * MINUTE];
    const gate = {
      kind: 'signoff',
      ...OPENED_WITH,
      openedAt,
      deadline: later,
      remindAt: later,
      widenAt: later,
      silence: 'no',
      passedAt: null,
    } as const;
    expect(textOf(at('awaiting-signoff', { gate }))).toContain('may approve: ada, grace');
    expect(textOf(at('rolling-back', { gate }))).toMatch(/gate {6}0 of 2 approvals$/m);
  });

  it('a node that is away is named apart from the word for it', () => {
    const trouble = { node: 'lab-3', task: 'return', outcome: 'unreachable', reason: 'it does not answer' } as const;
    expect(textOf(at('rolling-back', { troubles: [trouble as RotationState['troubles'][number]] }))).toContain(
      'unreachable lab-3: it does',
    );
  });

  it('an incident rollback and what it undoes name each other, in the list too; nobody is told to undo what is undone', () => {
    const incident = ended('rolled-back', { id: 'ios-main-8' as RotationId, undoes: 'ios-main-7' as RotationId, turnedAt: 'completed' });
    const undone = {
      ...viewOf(ended('completed')),
      rotation: rotationStatusView(statusOf(ended('completed'), NOW), [statusOf(incident, NOW)]),
    };
    expect(viewOf(incident).rotation).toMatchObject({ undoes: 'ios-main-7', undoneBy: null, turnedIn: 'completed' });
    expect(undone.rotation).toMatchObject({ undoes: null, undoneBy: 'ios-main-8', turnedIn: null });
    expect(textOf(incident)).toMatch(/^ {2}undoes {4}ios-main-7$/m);
    const text = rotationText(undone, pen, NOW).join('\n');
    expect(text).toMatch(/^ {2}undone by ios-main-8: .*reseal rotation status ios-main-8$/m);
    expect(text).not.toContain('bring the old assets back');
    const list = rotationListText({ schemaVersion: 1, rotations: [viewOf(incident).rotation, undone.rotation] }, pen, NOW);
    expect(list[1]).toMatch(/^ios-main-8 +rolled-back, undoes ios-main-7 /);
    expect(list[2]).toMatch(/^ios-main-7 +completed, undone by ios-main-8 /);
  });

  it('orphaned: red, with the command, and nothing that nobody could do; adopted: by whom', () => {
    const left = at('awaiting-signoff', { since: NOW - 30 * MINUTE });
    const rotation = rotationStatusView(statusOf(left, NOW), [], 'nothing');
    const text = rotationText({ ...viewOf(left), rotation, changes: [] }, pen, NOW).join('\n');
    expect(text).toMatch(/^ios-main-7 {2}orphaned in awaiting-signoff {2}for 30 minutes/);
    expect(text).toContain('reseal rotation start --adopt ios-main-7 --as PERSON --ticket TICKET');
    expect(text).not.toMatch(/you can|Approve exactly/);
    expect(rotationListText({ schemaVersion: 1, rotations: [rotation] }, pen, NOW)[1]).toMatch(
      /^ios-main-7 +orphaned in awaiting-signoff /,
    );
    const adoption = { by: 'grace' as PersonId, ticket: 'INC-4', at: NOW - 5 * MINUTE, phase: 'rolling', signed: null } as const;
    expect(textOf(at('rolling', { adoptions: [adoption] }))).toMatch(/^ {2}adopted {3}in rolling by grace under INC-4, 5 minutes ago$/m);
  });

  it('partial, refused, cancelled: each by its name, in the list too', () => {
    for (const outcome of ['partial', 'refused', 'cancelled', 'superseded'] as const) {
      expect(textOf(ended(outcome))).toContain(`ios-main-7  ${outcome}  `);
      const list = rotationListText({ schemaVersion: 1, rotations: [viewOf(ended(outcome)).rotation] }, pen, NOW);
      expect(list[1]).toMatch(new RegExp(`^ios-main-7 +${outcome} `));
    }
  });

  it('under way: how long, how far, and how long a rollback stays possible', () => {
    const text = textOf(at('rolling'));
    expect(text).toMatch(/^ios-main-7 {2}rolling {2}for 1 hour, started 1 hour ago\n/);
    expect(textOf(at('rolling', { since: NOW - 3_000 }))).toMatch(/^ios-main-7 {2}rolling {2}for 3 seconds, started 1 hour ago\n/);
    expect(text).toMatch(/\(kind profile, 3 nodes, /);
    expect(text).toContain('✓ canary (1)   · wave 1 (2)');
    expect(text).toMatch(/horizon {3}in 6 days; a failure within 5 days \d+ hours turns back by itself$/m);
    expect(textOf(at('rolling', { plan: { ...plan, horizon: NOW + MINUTE } }))).toMatch(
      /horizon {3}in 1 minute; too late to turn back by itself: a failure is put to people$/m,
    );
    expect(textOf(at('rolling-back'))).toMatch(/horizon {3}in 6 days: every node has to be back by then$/m);
    expect(textOf(at('retiring'))).toMatch(/horizon {3}in 6 days$/m);
  });
});

const asset = (uuid: string, expiresAt: string, serialLast6: string): ChangeView['old'] => ({
  uuid,
  name: 'Courier',
  sha256: sha('f'),
  expiresAt,
  certificate: { commonName: 'Apple Distribution', serialLast6, expiresAt },
});

describe('what is to be approved (R5)', () => {
  const change: ChangeView = {
    app: 'courier',
    bundleId: 'com.acme.courier.a.rather.long.extension.name',
    method: 'app-store',
    holder: null,
    targets: ['Courier'],
    old: asset('34a69e6e-5cec-4262-a8ae-14385efa8e0f', '2026-11-29T00:00:00Z', '1F960B'),
    new: asset('80297dd5-d45c-4791-a434-9a766902ada6', '2027-10-19T00:00:00Z', '1F960B'),
  };

  it('stands old above new, whole UUIDs in one column, and fits a terminal of 140 columns', () => {
    const [, old = '', fresh = ''] = changesText([change], pen);
    expect(old.indexOf(change.old.uuid)).toBe(fresh.indexOf(change.new.uuid));
    expect(Math.max(old.length, fresh.length)).toBeLessThanOrEqual(140);
    expect(fresh).toMatch(/new {2}80297dd5-\S+ {2}2027-10-19 {2}as before$/);
  });

  it('says whose it is where every node has its own', () => {
    expect(changesText([{ ...change, holder: 'ams-run-2' }], pen)[1]).toContain(`${change.bundleId} on ams-run-2 `);
  });

  it('says when the certificate is another one', () => {
    const other = { ...change, new: asset(change.new.uuid, change.new.expiresAt, 'ABCDEF') };
    expect(changesText([other], pen).join('\n')).toMatch(/…1F960B\n.*…ABCDEF$/);
  });
});

describe('a line of the record (P1)', () => {
  it('says who let it go on, where the sentence does not', () => {
    const event = (kind: 'resume' | 'answered', actor: string, text: string): string =>
      eventText(eventView({ rotation: 'ios-main-7' as RotationId, seq: 1, at: NOW, kind, actor: actor as PersonId, text, data: {} }), pen);
    expect(event('resume', 'rita', 'goes on')).toMatch(/ resume {6}goes on, by rita$/);
    expect(event('resume', 'reseal', 'goes on')).toMatch(/ goes on$/);
    expect(event('answered', 'ada', 'another turn for lab-1')).toMatch(/ another turn for lab-1, by ada$/);
    expect(event('answered', 'ada', 'ada answered stalled with rollback')).toMatch(/ with rollback$/);
  });

  it('has instants as the reader’s own clock shows them', () => {
    const text = 'waiting for 2 approvals until 2026-11-23T14:00:00.123Z';
    const event = { rotation: 'ios-main-7' as RotationId, seq: 1, at: NOW, kind: 'gate', actor: 'reseal', text, data: {} } as const;
    const line = eventText(eventView(event), pen);
    expect(line).not.toContain('T14:00');
    expect(line).toContain(`until ${pen.time(Date.parse('2026-11-23T14:00:00.123Z'), NOW)}`);
  });
});
