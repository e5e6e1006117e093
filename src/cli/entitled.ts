import type { Configuration } from '../configuration/load.js';
import { ResealError } from '../domain/errors.js';
import { mayDo } from '../domain/roster.js';
import { ticketRefusal } from '../domain/tickets.js';

/** For commands that take things into the store. @throws ResealError NOT_ENTITLED, WRONG_TICKET */
export function refuseStranger(configuration: Configuration, by: string, ticket: string): void {
  if (!mayDo(configuration.roster, by, 'import')) {
    throw new ResealError(
      'NOT_ENTITLED',
      `${by} may not import: the roster gives that right to none of their roles. Ask somebody whom ${configuration.paths.roster} gives it to.`,
    );
  }
  const refusal = ticketRefusal(ticket, configuration.policy);
  if (refusal !== null) throw new ResealError('WRONG_TICKET', `${refusal}.`);
}
