import type { Policy } from './policy.js';

/** `tickets.pattern` where the policy says nothing. */
export const TICKET_PATTERN = '^[A-Z][A-Z0-9]{1,9}-[0-9]{1,8}$';

const isTicket = (ticket: string, { tickets }: Pick<Policy, 'tickets'>): boolean => new RegExp(tickets.pattern).test(ticket);

/** Why the policy does not take this ticket, as a sentence without its full stop; null: it does. The standing change is an example that it takes. */
export function ticketRefusal(
  ticket: string,
  policy: Pick<Policy, 'tickets'> & { readonly scan: Pick<Policy['scan'], 'ticket'> },
): string | null {
  if (isTicket(ticket, policy)) return null;
  const { pattern } = policy.tickets;
  const form = pattern === TICKET_PATTERN ? 'consists of 2 to 10 capital letters or digits, a hyphen and a number, like' : 'looks like';
  return `${JSON.stringify(ticket)} is no ticket id; one that the policy allows ${form} ${policy.scan.ticket} (tickets.pattern: ${pattern})`;
}
