import type { NodeName } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import type { SeatReleaseView } from '../../presenters/seat.js';
import { ApiClient } from '../api-client.js';
import { defineCommand, type Context } from '../command.js';
import { draftMandate, linesOf, signMandate } from '../mandate.js';
import { KEY_OPTION, withSigningKey } from '../signing-key.js';
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
    ...KEY_OPTION,
  },
  async handler(context, { node }, { token, force, holder, job, as, ticket, key }) {
    const view = await release();
    context.output.show(view, () => (view.released ? `the seat of ${node} is released` : `there was nothing to release on ${node}`));

    async function release(): Promise<SeatReleaseView> {
      if (!force) {
        if (token === undefined)
          throw new ResealError('USAGE', 'Give the token of the seat with --token, or --force with --holder, --as and --ticket.');
        return (await ApiClient.find(context)).post<SeatReleaseView>(seatPath(node, 'release'), { token });
      }
      if (holder === undefined || as === undefined || ticket === undefined || token !== undefined)
        throw new ResealError('USAGE', '--force needs --holder, --as and --ticket, and takes no --token.');
      return takeAway(context, { node, holder, job, as, ticket, key });
    }
  },
});

interface Taken {
  readonly node: string;
  readonly holder: string;
  readonly job: string | undefined;
  readonly as: string;
  readonly ticket: string;
  readonly key: string | undefined;
}

/** Signed where the person has a key, else by name. */
async function takeAway(context: Context, { node, holder, job, as, ticket, key: named }: Taken): Promise<SeatReleaseView> {
  const api = await ApiClient.find(context);
  const path = seatPath(node, 'release');
  return withSigningKey(context, api, as, named, async (key) => {
    if (key === null) return api.post<SeatReleaseView>(path, { holder, ...(job === undefined ? {} : { job }), by: as, ticket });
    const [first] = await linesOf(api, node);
    if (first === undefined) throw new ResealError('REFUSED', `Node ${node} follows no line, so nobody keeps who released its seat.`);
    const deed = { says: 'seat-release', node: node as NodeName, holder, job: job ?? null } as const;
    const mandate = await draftMandate(context, api, first.line, { as, ticket }, deed);
    return api.post<SeatReleaseView>(path, await signMandate(context, key, mandate));
  });
}
