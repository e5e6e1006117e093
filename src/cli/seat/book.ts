import { randomUUID } from 'node:crypto';
import { ResealError } from '../../domain/errors.js';
import type { SeatBookedView } from '../../presenters/seat.js';
import { bookedText } from '../../presenters/seat-text.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';
import { durationOf, ownName } from '../given.js';
import { CLAIM, placeOf } from './claim.js';

export const command = defineCommand({
  description: "Book a signer's seat for later; exit 4 when none is free all that time",
  arguments: { node: { kind: 'text', description: 'Signer; or give --line' } },
  options: {
    ...CLAIM,
    line: { kind: 'text', description: 'Any signer of this line that has a seat free', value: 'LINE' },
    at: { kind: 'text', required: true, description: 'When it begins: +2h, or 2026-11-29T14:00 (local, or with a zone)', value: 'TIME' },
    for: { kind: 'text', required: true, description: 'How long it is needed', value: 'DURATION' },
  },
  async handler(context, { node }, { line, at, for: length, ticket, job, holder, pipeline }) {
    const view = await (
      await ApiClient.find(context)
    ).post<SeatBookedView>('/v1/seats/bookings', {
      ...placeOf({ node, line }),
      holder: holder ?? ownName(),
      pipeline: pipeline ?? 'none',
      ticket,
      job: job ?? randomUUID(),
      from: new Date(beginning(at, context.now())).toISOString(),
      length: durationOf('--for', length),
    });
    context.output.show(view, () => bookedText(view, context.output, context.now()));
  },
});

/** A time of the day without a zone is local, as ECMAScript reads it. @throws ResealError USAGE */
function beginning(text: string, now: number): number {
  if (text.startsWith('+')) return now + durationOf('--at', text.slice(1));
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d/.test(text) ? Date.parse(text) : NaN;
  if (!Number.isNaN(at)) return at;
  throw new ResealError('USAGE', `--at is ${JSON.stringify(text)}; it takes +2h, or a day and a time like 2026-11-29T14:00.`);
}
