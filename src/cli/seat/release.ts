import { ResealError } from '../../domain/errors.js';
import type { SeatReleaseView } from '../../presenters/seat.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';
import { seatPath } from './claim.js';

export const command = defineCommand({
  description: "Give a seat or a booking back; with --force take it from its holder, in an operator's name",
  arguments: { node: { kind: 'text', required: true, description: 'Signer' } },
  options: {
    token: { kind: 'text', description: 'Token that `seat acquire` or `seat book` printed', value: 'TOKEN' },
    force: { kind: 'flag', description: 'Release what another holds; needs --holder, --as and --ticket' },
    holder: { kind: 'text', description: 'Whose claims and bookings end', value: 'NAME' },
    job: { kind: 'text', description: 'Only those of this job', value: 'KEY' },
    as: { kind: 'text', description: 'The person who says it, by the roster (release-seat)', value: 'PERSON' },
    ticket: { kind: 'text', description: 'Ticket id', value: 'TICKET' },
  },
  async handler(context, { node }, { token, force, holder, job, as, ticket }) {
    const view = await (await ApiClient.find(context)).post<SeatReleaseView>(seatPath(node, 'release'), claim());
    context.output.show(view, () => (view.released ? `the seat of ${node} is released` : `there was nothing to release on ${node}`));

    function claim(): object {
      if (!force) {
        if (token !== undefined) return { token };
        throw new ResealError('USAGE', 'Give the token of the seat with --token, or --force with --holder, --as and --ticket.');
      }
      if (holder === undefined || as === undefined || ticket === undefined || token !== undefined)
        throw new ResealError('USAGE', '--force needs --holder, --as and --ticket, and takes no --token.');
      return { holder, ...(job === undefined ? {} : { job }), by: as, ticket };
    }
  },
});
