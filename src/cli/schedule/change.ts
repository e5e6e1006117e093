import { ResealError } from '../../domain/errors.js';
import { givenDate } from '../../domain/given-date.js';
import { readScheduleMandate, type ScheduleMandate } from '../../domain/schedule-mandate.js';
import { scheduleMandateText, scheduleText, type ScheduleView } from '../../presenters/schedule.js';
import type { TermsView } from '../../presenters/statement.js';
import { signStatement } from '../../statement/person.js';
import { ApiClient } from '../api-client.js';
import type { Context } from '../command.js';
import { saidNow } from '../said.js';
import { KEY_OPTION, mustConsent, withSigningKey } from '../signing-key.js';

/** What every command that changes the schedule is given. */
export const SCHEDULE_OPTIONS = {
  as: { kind: 'text', required: true, value: 'PERSON', description: 'who says it, by the roster (schedule)' },
  ticket: { kind: 'text', required: true, value: 'TICKET', description: 'the change that this belongs to' },
  ...KEY_OPTION,
} as const;

interface Asked {
  readonly as: string;
  readonly ticket: string;
  readonly key: string | undefined;
  readonly at?: string | undefined;
}

/** Signed where the person has a key; else by name. */
export async function change(
  context: Context,
  action: 'ensure' | 'trigger' | 'pause' | 'remove',
  { as, ticket, key: named, at }: Asked,
): Promise<void> {
  const api = await ApiClient.find(context);
  const view = await withSigningKey(context, api, as, named, async (key) => {
    if (key === null) return api.post<ScheduleView>('/v1/schedule', { action, by: as, ticket, ...(at === undefined ? {} : { at }) });
    const statement = draft(context, await api.get<TermsView>('/v1/schedule/terms'), { as, ticket }, action, at);
    await mustConsent(context, scheduleMandateText(statement, key, context.output, context.now()));
    return api.post<ScheduleView>('/v1/schedule', { statement, signature: await signStatement(statement, key, context.env) });
  });
  context.output.show(view, () => scheduleText(view, context.output, context.now()));
}

function draft(
  { now }: Context,
  { installation, line }: TermsView,
  said: Pick<Asked, 'as' | 'ticket'>,
  action: ScheduleMandate['action'],
  at: string | undefined,
): ScheduleMandate {
  const read = readScheduleMandate({
    ...{ ...saidNow(said, now()), installation, line, mode: at === undefined ? 'production' : 'rehearsal' },
    ...{ says: 'schedule', action, at: at === undefined ? null : new Date(givenDate(at)).toISOString() },
  });
  if (read.kind === 'mandate') return read.mandate;
  throw new ResealError('USAGE', `This cannot be signed: ${read.reason}.`);
}
