import type { ScheduleMandate } from '../domain/schedule-mandate.js';
import { noteOf, type ScheduleChange } from '../domain/schedule-note.js';
import type { Pen } from './rotation-text.js';

/** What Temporal does by itself, and how it stands. */
export interface ScheduledView {
  readonly id: string;
  readonly exists: boolean;
  readonly paused: boolean;
  /** Who made, paused or unpaused it last, as its note in Temporal says; null: the note says nobody. */
  readonly changed: ScheduleChange | null;
  readonly when: string;
  readonly next: readonly string[];
  /** The last runs, newest first, with what each started. */
  readonly recent: readonly { readonly at: string; readonly workflowId: string }[];
}

/** The schedule of the expiry scan, and beside it that of the look for nodes that came back. */
export interface ScheduleView extends ScheduledView {
  readonly schemaVersion: 1;
  readonly ticket: string;
  readonly returning: ScheduledView & { readonly mode: 'converge' | 'ask' };
}

const RETURNING = { converge: 'brings nodes that came back to what is in force', ask: 'tells people of nodes that came back' };

export function scheduleText(view: ScheduleView, pen: Pen, now: number): string[] {
  if (!view.exists) return ['No scan is scheduled. Make it with `reseal schedule ensure`.'];
  const { returning } = view;
  return [
    ...scheduledText(view, `under ${view.ticket}`, pen, now),
    ...(returning.exists
      ? scheduledText({ ...returning, changed: sameAs(view.changed, returning.changed) }, RETURNING[returning.mode], pen, now)
      : [`${pen.styled(returning.id, 'bold')}  is not scheduled. Make it with \`reseal schedule ensure\`.`]),
  ];
}

/** Both are changed as one: it is said once. */
const sameAs = (first: ScheduleChange | null, second: ScheduleChange | null): ScheduleChange | null =>
  first !== null && second !== null && noteOf(first) === noteOf(second) ? null : second;

function scheduledText(view: ScheduledView, what: string, pen: Pen, now: number): string[] {
  const state = view.paused ? pen.styled('paused', 'yellow') : pen.styled('active', 'green');
  return [
    `${pen.styled(view.id, 'bold')}  ${state}  ${view.when}, ${what}`,
    ...(view.changed === null ? [] : [`  last    ${changeText(view.changed)}`]),
    ...view.next.slice(0, 1).map((at) => `  next    ${pen.time(Date.parse(at), now)}`),
    ...view.recent.slice(0, 5).map((run) => `  ran     ${pen.time(Date.parse(run.at), now)}  ${run.workflowId}`),
  ];
}

const DONE: Readonly<Record<ScheduleChange['action'], string>> = {
  ensure: 'ensured',
  trigger: 'triggered',
  pause: 'paused',
  unpause: 'let go on',
  remove: 'removed',
};

const changeText = ({ action, by, ticket, nonce }: ScheduleChange): string =>
  `${DONE[action]} by ${by} under ${ticket}, ${nonce === null ? 'by name' : `signed: nonce ${nonce}`}`;

const WORDS: Readonly<Record<ScheduleMandate['action'], string>> = {
  ensure: 'make the schedules, or bring them to what the policy says, and end a pause',
  trigger: 'scan every line now, and look for nodes that came back',
  pause: 'stop scanning, and looking for nodes that came back',
  unpause: 'go on scanning, and looking for nodes that came back',
  remove: 'remove the schedules: nothing is scanned, and no node looked for that came back',
};

/** What is signed by whoever changes the schedule, in words: nothing that the statement holds is left out. */
export function scheduleMandateText(mandate: ScheduleMandate, key: string, pen: Pick<Pen, 'time'>, now: number): string[] {
  const { person, says, action, at, installation, mode, line, ticket } = mandate;
  return [
    `${person} signs with ${key}, namespace reseal-approval-v1:`,
    `  says      ${WORDS[action]} (${says}, ${action})`,
    `  at        installation ${installation}, ${mode}, ticket ${ticket}; kept with line ${line}`,
    ...(at === null ? [] : [`  due       as if it were ${at}`]),
    `  issued    ${mandate.issuedAt}`,
    `  counts    once, until ${pen.time(Date.parse(mandate.expiresAt), now)}; nonce ${mandate.nonce}`,
  ];
}
