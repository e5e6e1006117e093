import type { Pen } from './rotation-text.js';

/** What Temporal does by itself, and how it stands. */
export interface ScheduledView {
  readonly id: string;
  readonly exists: boolean;
  readonly paused: boolean;
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
      ? scheduledText(returning, RETURNING[returning.mode], pen, now)
      : [`${pen.styled(returning.id, 'bold')}  is not scheduled. Make it with \`reseal schedule ensure\`.`]),
  ];
}

function scheduledText(view: ScheduledView, what: string, pen: Pen, now: number): string[] {
  const state = view.paused ? pen.styled('paused', 'yellow') : pen.styled('active', 'green');
  return [
    `${pen.styled(view.id, 'bold')}  ${state}  ${view.when}, ${what}`,
    ...view.next.slice(0, 1).map((at) => `  next    ${pen.time(Date.parse(at), now)}`),
    ...view.recent.slice(0, 5).map((run) => `  ran     ${pen.time(Date.parse(run.at), now)}  ${run.workflowId}`),
  ];
}
