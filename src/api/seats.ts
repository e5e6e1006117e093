import type { z } from 'zod';
import { mustBeMandated } from '../../activities/mandates/judge.js';
import type { ForcedRelease } from '../../workflows/seat-messages.js';
import type { NodeName, PersonId } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import { describeDuration } from '../domain/duration.js';
import type { BookingAnswer } from '../domain/seats/book.js';
import type { SeatView } from '../domain/seats/seat.js';
import { addUp, type UsageBy } from '../domain/seats/usage.js';
import type { NodeDeclaration } from '../domain/topology.js';
import {
  bookedView,
  seatListView,
  standingView,
  usageView,
  type SeatBookedView,
  type SeatListView,
  type SeatReleaseView,
  type SeatStandingView,
  type SeatUsageView,
} from '../presenters/seat.js';
import { Seats } from '../temporal/seats.js';
import { mayAsk, mustBeTicket, type RotationDesk } from './rotations.js';
import type { SeatAcquireBody, SeatBookBody, SeatReleaseBody } from './routes.js';
import { signedMandate } from './statements.js';

const seatsOf = (desk: RotationDesk): Seats => new Seats(desk.client, desk.taskQueue);
const capacityOf = (node: NodeDeclaration): number => node.seats ?? 1;

const signersOf = (desk: RotationDesk): readonly NodeDeclaration[] =>
  desk.around.configuration().topology.nodes.filter((node) => node.roles.includes('signer'));

function signer(desk: RotationDesk, name: string): NodeDeclaration {
  const found = signersOf(desk).find((node) => node.name === name);
  if (found !== undefined) return found;
  const declared = desk.around.configuration().topology.nodes.some((node) => node.name === name);
  throw new ResealError(
    'NOT_FOUND',
    declared
      ? `${name} has no seats: it does not have the role signer. List those that have with \`reseal seat list\`.`
      : `topology.yaml declares no node ${name}. List seats with \`reseal seat list\`.`,
  );
}

const viewOf = (desk: RotationDesk, node: NodeDeclaration): Promise<SeatView> => seatsOf(desk).view(node.name, capacityOf(node));

export async function listSeats(desk: RotationDesk): Promise<SeatListView> {
  return seatListView(
    await Promise.all(
      signersOf(desk).map(async (node) => ({
        view: { ...(await viewOf(desk, node)), capacity: capacityOf(node) },
        lines: node.lines,
      })),
    ),
  );
}

/** Asks for a seat and answers at once: granted, a place in the queue, or (without a wait) gone where none is free. */
export async function acquireSeat(desk: RotationDesk, asked: z.infer<typeof SeatAcquireBody>): Promise<SeatStandingView> {
  const { policy } = desk.around.configuration();
  mustBeTicket(desk, asked.ticket);
  const { holder, pipeline, ticket, job, wait, lease = null } = asked;
  const node = await chosen(desk, asked);
  const standing = await seatsOf(desk).acquire(
    node.name,
    { terms: policy.seats, capacity: capacityOf(node) },
    { holder, pipeline, ticket, job, wait, lease, purpose: 'job' },
  );
  return standingView(node.name, standing);
}

/** @throws ResealError SEAT_HELD where no seat is free all that time, USAGE where the policy allows no such booking */
export async function bookSeat(desk: RotationDesk, asked: z.infer<typeof SeatBookBody>): Promise<SeatBookedView> {
  const { policy } = desk.around.configuration();
  mustBeTicket(desk, asked.ticket);
  const { holder, pipeline, ticket, job } = asked;
  const from = Date.parse(asked.from);
  const candidates = await bookable(desk, asked);
  const refusals: string[] = [];
  for (const node of candidates) {
    const rules = { terms: policy.seats, capacity: capacityOf(node) };
    const answer = await seatsOf(desk).book(node.name, rules, { holder, pipeline, ticket, job, from, until: from + asked.length });
    if (answer.kind === 'booked') {
      const claimBy = Math.min(answer.until, answer.from + policy.seats.bookingGrace);
      return bookedView(node.name, { holder, job, ticket, token: answer.token, from: answer.from, until: answer.until, claimBy });
    }
    if (answer.kind !== 'taken') throw new ResealError('USAGE', notBookable(answer));
    refusals.push(takenInWords(node.name, answer));
  }
  throw new ResealError('SEAT_HELD', `${refusals.join(' ')} \`reseal seat list\` shows all bookings.`);
}

/** The node that is named, or those of a line: the one where the job has a booking first, then those with fewer bookings. */
async function bookable(
  desk: RotationDesk,
  { node, line, holder, job }: z.infer<typeof SeatBookBody>,
): Promise<readonly NodeDeclaration[]> {
  if (node !== undefined) return [signer(desk, node)];
  const seen = await Promise.all(signersOfLine(desk, line).map(async (one) => ({ one, bookings: (await viewOf(desk, one)).bookings })));
  const own = seen.filter(({ bookings }) => bookings.some((booking) => booking.holder === holder && booking.job === job));
  if (own.length > 0) return own.map(({ one }) => one);
  return [...seen].sort((first, second) => first.bookings.length - second.bookings.length).map(({ one }) => one);
}

function notBookable(answer: Exclude<BookingAnswer, { kind: 'booked' | 'taken' }>): string {
  switch (answer.kind) {
    case 'past':
      return 'That time is over. Give a beginning to come, like +2h.';
    case 'too-long':
      return `A seat can be booked for ${describeDuration(answer.longest)} at most (seats.longest in policy.yaml).`;
    case 'too-far':
      return `Seats can be booked ${describeDuration(answer.bookAhead)} ahead at most (seats.bookAhead in policy.yaml).`;
  }
}

const minute = (at: number): string => `${new Date(at).toISOString().slice(0, 16)}Z`;

function takenInWords(node: NodeName, { by, freeFrom }: Extract<BookingAnswer, { kind: 'taken' }>): string {
  const who = by.map((one) => `${one.holder} under ${one.ticket} until ${minute(one.until)}`).join(', ');
  const next =
    freeFrom === null ? 'none of that length begins later in the time that can be booked' : `the next begins at ${minute(freeFrom)}`;
  return `${node} has no seat free all that time: taken by ${who}; ${next}.`;
}

/** @throws ResealError NOT_FOUND */
function signersOfLine(desk: RotationDesk, line = ''): readonly NodeDeclaration[] {
  const found = signersOf(desk).filter((one) => one.lines.some((name) => name === line));
  if (found.length > 0) return found;
  throw new ResealError('NOT_FOUND', `No node with the role signer is on line ${line}. See \`reseal seat list\`.`);
}

/** The node that is named; of a line the one that the job has a claim on already, else that with the shortest line before its seats. */
async function chosen(desk: RotationDesk, { node, line, holder, job }: z.infer<typeof SeatAcquireBody>): Promise<NodeDeclaration> {
  if (node !== undefined) return signer(desk, node);
  const seen = await Promise.all(signersOfLine(desk, line).map(async (one) => ({ one, view: await viewOf(desk, one) })));
  const own = seen.find(({ view }) =>
    [...view.held, ...view.waiting, ...view.bookings].some((claim) => claim.holder === holder && claim.job === job),
  );
  if (own !== undefined) return own.one;
  const before = ({ one, view }: (typeof seen)[number]): number => (view.held.length + view.waiting.length) / capacityOf(one);
  const [best] = [...seen].sort((first, second) => before(first) - before(second));
  if (best === undefined) throw new ResealError('NOT_FOUND', `No node with the role signer is on line ${line ?? ''}.`);
  return best.one;
}

export const seatStanding = async (desk: RotationDesk, node: string, token: string): Promise<SeatStandingView> =>
  standingView(node, await seatsOf(desk).standing(signer(desk, node).name, token));

/** @throws ResealError SEAT_HELD where the claim is gone: its time was over, or it was silent */
export async function seatHeartbeat(desk: RotationDesk, node: string, token: string): Promise<SeatStandingView> {
  const standing = await seatsOf(desk).heartbeat(signer(desk, node).name, token);
  if (standing.kind !== 'gone') return standingView(node, standing);
  throw new ResealError(
    'SEAT_HELD',
    `This claim on the seat of ${node} is over: its time was up, it was silent for longer than seats.heartbeat, or an operator released it. Acquire the seat anew.`,
  );
}

export async function releaseSeat(desk: RotationDesk, node: string, asked: z.infer<typeof SeatReleaseBody>): Promise<SeatReleaseView> {
  const name: NodeName = signer(desk, node).name;
  const claim = 'token' in asked ? { token: asked.token } : forced(desk, signer(desk, node), asked);
  return { schemaVersion: 1, node, released: await seatsOf(desk).release(name, claim) };
}

/** What is another's is released by a person's word: signed, or by name where that counts. The seat's worker judges it too. */
function forced(
  desk: RotationDesk,
  node: NodeDeclaration,
  asked: Exclude<z.infer<typeof SeatReleaseBody>, { readonly token: string }>,
): ForcedRelease {
  const release = releaseOf(node, asked);
  const { holder, job, ...by } = release;
  mayAsk(desk, by.by, by.ticket, 'release-seat');
  mustBeMandated(desk.around.configuration(), by, { says: 'seat-release', node: node.name, holder, job }, Date.now());
  return release;
}

function releaseOf(node: NodeDeclaration, asked: Exclude<z.infer<typeof SeatReleaseBody>, { readonly token: string }>): ForcedRelease {
  if ('statement' in asked) {
    const signed = signedMandate('seat-release', asked);
    const { line, person, ticket, holder, job } = signed.statement;
    return { line, by: person, ticket, holder, job, signed };
  }
  const [line] = node.lines;
  if (line === undefined) throw new ResealError('REFUSED', `Node ${node.name} follows no line, so nobody keeps who released its seat.`);
  return { line, by: asked.by as PersonId, ticket: asked.ticket, holder: asked.holder, job: asked.job ?? null };
}

const isBy = (text: string): text is UsageBy => ['pipeline', 'holder', 'node'].includes(text);
const MONTH = 30 * 86_400_000;

/** Claims count from the moment they have ended. @throws ResealError USAGE */
export async function seatUsage(desk: RotationDesk, by = 'pipeline', since?: string): Promise<SeatUsageView> {
  if (!isBy(by)) throw new ResealError('USAGE', `Usage is told by pipeline, holder or node, not by ${JSON.stringify(by)}.`);
  const from = since === undefined ? Date.now() - MONTH : Date.parse(since);
  if (Number.isNaN(from)) throw new ResealError('USAGE', `${JSON.stringify(since)} is no date; give one like 2026-11-29.`);
  return usageView(by, from, addUp(await desk.ledger.seatUses(from), by, from));
}
