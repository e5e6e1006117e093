import { randomUUID } from 'node:crypto';
import { mustBeScheduledBy, scheduleAuthority } from '../../activities/mandates/schedule.js';
import { mustStandOnAdopted } from '../../activities/roster/standing.js';
import { situationOf } from '../../activities/rotation/surroundings.js';
import type { PersonId } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import { givenDate } from '../domain/given-date.js';
import { askedBy, namingLine, type ScheduleAction, type ScheduleAsking, type SignedScheduleMandate } from '../domain/schedule-mandate.js';
import type { ScheduleView } from '../presenters/schedule.js';
import type { TermsView } from '../presenters/statement.js';
import type { RotationDesk } from './rotations.js';
import { changeSchedule, mustBeChangeable } from './schedule.js';

interface ByName {
  readonly action: ScheduleAction;
  readonly at?: string | undefined;
  readonly by: string;
  readonly ticket: string;
}

const askingOf = (given: ByName | SignedScheduleMandate): ScheduleAsking => {
  if ('statement' in given) return askedBy(given);
  const { action, at, by, ticket } = given;
  return { by: by as PersonId, ticket, action, at: at === undefined ? null : new Date(givenDate(at)).toISOString() };
};

/**
 * At a person's word, by the roster's right `schedule`; signed, or by name where that counts. Nobody judges it after this: Temporal's schedule is changed from
 * here, and no workflow has a part in it. A signed mandate counts once, and is kept in the store of the line that it names, with its signature.
 * @throws ResealError NOT_FOUND, NOT_ENTITLED, WRONG_TICKET, SIGNATURE_NEEDED, SIGNATURE_REFUSED, STATEMENT_REFUSED, ALREADY_DECIDED, USAGE
 */
export async function changeScheduleBy(desk: RotationDesk, given: ByName | SignedScheduleMandate): Promise<ScheduleView> {
  const asked = askingOf(given);
  const { by, ticket, action, at, signed } = asked;
  const mandate = mustBeScheduledBy(desk.around.configuration(), asked, Date.now());
  if (at !== null && action !== 'ensure') throw new ResealError('USAGE', `Another date (--at) goes with ensure alone, not with ${action}.`);
  if (mandate !== null && signed !== undefined && scheduleAuthority(desk.around.configuration(), at).assurance === 'signature')
    await mustStandOnAdopted(desk.around, mandate.line, { by, right: 'schedule', ...signed });
  // What changes nothing takes no number, and can be sent again.
  await mustBeChangeable(desk, action);
  if (mandate !== null && signed !== undefined) {
    const { store } = situationOf(desk.around, mandate.line);
    await store.allot(mandate.line, `schedule/${randomUUID()}`, { by, ticket }, mandate.nonce);
    await store.putFrozen({ kind: 'mandate', schemaVersion: 1, ...signed }, { by, ticket });
  }
  const offset = at === null ? 0 : givenDate(at) - Date.now();
  return changeSchedule(desk, action, { offset, change: { action, by, ticket, nonce: mandate?.nonce ?? null } });
}

/** What a mandate has to name, and whether a name alone counts. @throws ResealError NOT_FOUND where no line is declared */
export function scheduleTerms({ around }: RotationDesk): TermsView {
  const configuration = around.configuration();
  const line = namingLine(configuration.topology.lines);
  if (line === null) throw new ResealError('NOT_FOUND', 'topology.yaml declares no line, so there is nothing to scan.');
  const { installation, assurance } = scheduleAuthority(configuration, null);
  return { schemaVersion: 1, installation, line, assurance };
}
