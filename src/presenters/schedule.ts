import type { Pen } from './rotation-text.js';

/** The schedule of the expiry scan. */
export interface ScheduleView {
  readonly schemaVersion: 1;
  readonly id: string;
  readonly exists: boolean;
  readonly paused: boolean;
  readonly when: string;
  readonly ticket: string;
  readonly next: readonly string[];
  /** The last runs, newest first, with what each started. */
  readonly recent: readonly { readonly at: string; readonly workflowId: string }[];
}

export function scheduleText(view: ScheduleView, pen: Pen, now: number): string[] {
  if (!view.exists) return ['No scan is scheduled. Make it with `reseal schedule ensure`.'];
  const state = view.paused ? pen.styled('paused', 'yellow') : pen.styled('active', 'green');
  return [
    `${pen.styled(view.id, 'bold')}  ${state}  ${view.when}, under ${view.ticket}`,
    ...view.next.slice(0, 1).map((at) => `  next    ${pen.time(Date.parse(at), now)}`),
    ...view.recent.slice(0, 5).map((run) => `  ran     ${pen.time(Date.parse(run.at), now)}  ${run.workflowId}`),
  ];
}
