import { ScheduleAlreadyRunning, ScheduleNotFoundError, ScheduleOverlapPolicy, type ScheduleOptions } from '@temporalio/client';
import { ResealError } from '../domain/errors.js';
import type { ScheduleView } from '../presenters/schedule.js';
import type { RotationDesk } from './rotations.js';

export const SCHEDULE_ID = 'expiry-scan';
const DAY = 86_400_000;

export type ScheduleAction = 'ensure' | 'trigger' | 'pause' | 'unpause' | 'remove';

const whenInWords = (every: number, at: string, zone: string): string =>
  every === DAY ? `daily at ${at} ${zone}` : `every ${Math.round(every / 1000)} s`;

/** Daily scans run at a local time; any other interval simply repeats. A scan that was missed is caught up with for a day. */
function options(desk: RotationDesk, offset: number): ScheduleOptions {
  const { scan } = desk.around.configuration().policy;
  const [hour = 6, minute = 0] = scan.at.split(':').map(Number);
  return {
    scheduleId: SCHEDULE_ID,
    spec: scan.every === DAY ? { calendars: [{ hour, minute }], timezone: scan.zone } : { intervals: [{ every: scan.every }] },
    policies: { overlap: ScheduleOverlapPolicy.SKIP, catchupWindow: '1 day' },
    action: {
      type: 'startWorkflow',
      workflowType: 'expiryScan',
      workflowId: 'expiry-scan',
      taskQueue: desk.taskQueue,
      args: [{ offset }],
      staticSummary: `scan of every line, under ${scan.ticket}`,
    },
    state: { note: `under ${scan.ticket}` },
  };
}

export async function showSchedule(desk: RotationDesk): Promise<ScheduleView> {
  const { scan } = desk.around.configuration().policy;
  const base = { schemaVersion: 1, id: SCHEDULE_ID, when: whenInWords(scan.every, scan.at, scan.zone), ticket: scan.ticket } as const;
  try {
    const found = await desk.client.schedule.getHandle(SCHEDULE_ID).describe();
    return {
      ...base,
      exists: true,
      paused: found.state.paused,
      next: found.info.nextActionTimes.slice(0, 3).map((date) => date.toISOString()),
      recent: [...found.info.recentActions]
        .reverse()
        .map((one) => ({ at: one.takenAt.toISOString(), workflowId: one.action.workflow.workflowId })),
    };
  } catch (error) {
    if (error instanceof ScheduleNotFoundError) return { ...base, exists: false, paused: false, next: [], recent: [] };
    throw error;
  }
}

export async function changeSchedule(desk: RotationDesk, action: ScheduleAction, offset = 0): Promise<ScheduleView> {
  const handle = desk.client.schedule.getHandle(SCHEDULE_ID);
  try {
    switch (action) {
      case 'ensure':
        await ensure(desk, offset);
        break;
      case 'trigger':
        await handle.trigger(ScheduleOverlapPolicy.SKIP);
        break;
      case 'pause':
        await handle.pause('paused by reseal schedule pause');
        break;
      case 'unpause':
        await handle.unpause('unpaused by reseal schedule ensure');
        break;
      case 'remove':
        await handle.delete();
        break;
    }
  } catch (error) {
    if (error instanceof ScheduleNotFoundError)
      throw new ResealError('NOT_FOUND', 'There is no schedule yet. Make it with `reseal schedule ensure`.', { cause: error });
    throw error;
  }
  return showSchedule(desk);
}

/** Creates the schedule, or brings one that is there to what the policy says now; a pause ends. */
async function ensure(desk: RotationDesk, offset: number): Promise<void> {
  const wanted = options(desk, offset);
  try {
    await desk.client.schedule.create(wanted);
  } catch (error) {
    if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    const { spec, policies, action, state } = wanted;
    await desk.client.schedule.getHandle(SCHEDULE_ID).update(() => ({
      spec,
      ...(policies === undefined ? {} : { policies }),
      action: { ...action, workflowId: 'expiry-scan' },
      state: { ...state, paused: false },
    }));
  }
}
