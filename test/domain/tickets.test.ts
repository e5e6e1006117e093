import { describe, expect, it } from 'vitest';
import { ticketRefusal } from '../../src/domain/tickets.js';
import { PolicySchema } from '../../src/schema/policy.js';

const policy = (ticket: string, pattern?: string) =>
  PolicySchema.parse({ schemaVersion: 1, scan: { ticket }, ...(pattern === undefined ? {} : { tickets: { pattern } }) });

describe('a ticket that the policy does not allow', () => {
  it('is told in words what one looks like, and the pattern after that', () => {
    expect(ticketRefusal('soon', policy('CHG-1'))).toBe(
      '"soon" is no ticket id; one that the policy allows consists of 2 to 10 capital letters or digits, a hyphen and a number, like CHG-1 (tickets.pattern: ^[A-Z][A-Z0-9]{1,9}-[0-9]{1,8}$)',
    );
  });

  it('is told by the standing change where the pattern is the policy’s own', () => {
    expect(ticketRefusal('CHG-7', policy('change/12', '^change/[0-9]+$'))).toBe(
      '"CHG-7" is no ticket id; one that the policy allows looks like change/12 (tickets.pattern: ^change/[0-9]+$)',
    );
  });

  it('is no other: what matches is allowed', () => {
    expect(ticketRefusal('CHG-7', policy('CHG-1'))).toBeNull();
    expect(ticketRefusal('change/7', policy('change/12', '^change/[0-9]+$'))).toBeNull();
  });
});
