import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy, type ScheduleOptions } from '@temporalio/client';
import { ResealError } from '../domain/errors.js';
import type { ScheduleAction } from '../domain/schedule-mandate.js';
import { changeIn, noteOf, type ScheduleChange } from '../domain/schedule-note.js';
import type { ScheduledView, ScheduleView } from '../presenters/schedule.js';
import type { RotationDesk } from './rotations.js';

export const SCHEDULE_ID = 'expiry-scan';
/** The look for nodes that came back. */
const RETURNING_ID = 'returning-nodes';
const DAY = 86_400_000;

/** How it is changed, and what its note says of who did; without a note the product itself does it, as in the demo. */
interface ScheduleHow {
  /** Milliseconds from the day of a scan to the one that it compares expiries with. */
  readonly offset?: number;
  readonly change?: ScheduleChange;
}

const everySoOften = (every: number): string => `every ${Math.round(every / 1000)} s`;

const whenInWords = (every: number, at: string, zone: string): string => (every === DAY ? `daily at ${at} ${zone}` : everySoOften(every));

/** Daily scans run at a local time; any other interval simply repeats. A scan that was missed is caught up with for a day. */
function scanOptions(desk: RotationDesk, { offset = 0, change }: ScheduleHow): ScheduleOptions {
  const { scan } = desk.around.configuration().policy;
  const [hour = 6, minute = 0] = scan.at.split(':').map(Number);
  return {
    scheduleId: SCHEDULE_ID,
    spec: scan.every === DAY ? { calendars: [{ hour, minute }], timezone: scan.zone } : { intervals: [{ every: scan.every }] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 day' },
    action: {
      type: 'startWorkflow',
      workflowType: 'expiryScan',
      workflowId: SCHEDULE_ID,
      taskQueue: desk.taskQueue,
      args: [{ offset }],
      staticSummary: `scan of every line, under ${scan.ticket}`,
    },
    state: { note: change === undefined ? `under ${scan.ticket}` : noteOf(change) },
  };
}

/** One look at a time, and one that was missed is not caught up with: the next one sees as much. */
function returningOptions(desk: RotationDesk, { change }: ScheduleHow): ScheduleOptions {
  const { scan, returning } = desk.around.configuration().policy;
  return {
    scheduleId: RETURNING_ID,
    spec: { intervals: [{ every: returning.every }] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '10s' },
    action: {
      type: 'startWorkflow',
      workflowType: 'returningNodes',
      workflowId: RETURNING_ID,
      taskQueue: desk.taskQueue,
      args: [],
      staticSummary: `nodes that came back (${returning.mode}), under ${scan.ticket}`,
    },
    state: { note: change === undefined ? `under ${scan.ticket}` : noteOf(change) },
  };
}

export async function showSchedule(desk: RotationDesk): Promise<ScheduleView> {
  const { scan, returning } = desk.around.configuration().policy;
  return {
    schemaVersion: 1,
    ...(await scheduled(desk, SCHEDULE_ID, whenInWords(scan.every, scan.at, scan.zone))),
    ticket: scan.ticket,
    returning: { ...(await scheduled(desk, RETURNING_ID, everySoOften(returning.every))), mode: returning.mode },
  };
}

async function scheduled(desk: RotationDesk, id: string, when: string): Promise<ScheduledView> {
  try {
    const found = await desk.client.schedule.getHandle(id).describe();
    return {
      id,
      when,
      exists: true,
      paused: found.state.paused,
      changed: changeIn(found.state.note),
      next: found.info.nextActionTimes.slice(0, 3).map((date) => date.toISOString()),
      recent: [...found.info.recentActions]
        .reverse()
        .map((one) => ({ at: one.takenAt.toISOString(), workflowId: one.action.workflow.workflowId })),
    };
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return { id, when, exists: false, paused: false, changed: null, next: [], recent: [] };
    throw error;
  }
}

/** Of the two schedules as of one. @throws ResealError NOT_FOUND where the scan's is to be changed and is not there */
export async function changeSchedule(desk: RotationDesk, action: ScheduleAction, how: ScheduleHow = {}): Promise<ScheduleView> {
  const { schedule } = desk.client;
  const [scan, returning] = [schedule.getHandle(SCHEDULE_ID), schedule.getHandle(RETURNING_ID)];
  const note = how.change === undefined ? `${action} by reseal` : noteOf(how.change);
  switch (action) {
    case 'ensure':
      await ensure(desk, scanOptions(desk, how));
      await ensure(desk, returningOptions(desk, how));
      break;
    case 'trigger':
      await thatExists(scan.trigger(ScheduleOverlapPolicy.SKIP));
      // One that is under way may have passed what is asked about.
      await ifItExists(returning.trigger(ScheduleOverlapPolicy.BUFFER_ONE));
      break;
    case 'pause':
      await thatExists(scan.pause(note));
      await ifItExists(returning.pause(note));
      break;
    case 'unpause':
      await thatExists(scan.unpause(note));
      await ifItExists(returning.unpause(note));
      break;
    case 'remove':
      // First what may be missing: a removal that was cut short is repeated.
      await ifItExists(returning.delete());
      await thatExists(scan.delete());
      break;
  }
  return showSchedule(desk);
}

/** Of what needs a schedule to be there, before anything is written down. @throws ResealError NOT_FOUND */
export async function mustBeChangeable(desk: RotationDesk, action: ScheduleAction): Promise<void> {
  if (action === 'ensure') return;
  await thatExists(desk.client.schedule.getHandle(SCHEDULE_ID).describe());
}

async function thatExists(change: Promise<unknown>): Promise<void> {
  try {
    await change;
  } catch (error) {
    if (error instanceof ScheduleNotFoundError)
      throw new ResealError('NOT_FOUND', 'There is no schedule yet. Make it with `reseal schedule ensure`.', { cause: error });
    throw error;
  }
}

/** The scan's alone was made by an installation of before there were two. */
async function ifItExists(change: Promise<void>): Promise<void> {
  try {
    await change;
  } catch (error) {
    if (!(error instanceof ScheduleNotFoundError)) throw error;
  }
}

/** Creates a schedule, or brings one that is there to what the policy says now; a pause ends. */
async function ensure(desk: RotationDesk, wanted: ScheduleOptions): Promise<void> {
  try {
    await desk.client.schedule.create(wanted);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const { scheduleId, spec, policies, action, state } = wanted;
    await desk.client.schedule.getHandle(scheduleId).update(() => ({
      spec,
      ...(policies === undefined ? {} : { policies }),
      action: { ...action, workflowId: scheduleId },
      state: { ...state, paused: false },
    }));
  }
}
