import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ResealError } from '../../domain/errors.js';
import type { SeatListView, SeatStandingView } from '../../presenters/seat.js';
import { queuedText } from '../../presenters/seat-text.js';
import type { ApiClient } from '../api-client.js';
import type { Context } from '../command.js';
import { durationOf, ownName } from '../given.js';

/** Between two looks at a place in the queue, in milliseconds. */
const LOOK_EVERY = 500;

/** What everybody says who asks for a seat. */
export const CLAIM = {
  ticket: { kind: 'text', description: 'Ticket id', required: true, value: 'TICKET' },
  for: { kind: 'text', description: "How long it is needed at most (default: the policy's seats.lease)", value: 'DURATION' },
  job: { kind: 'text', description: 'Key of the job: asking again under it gets the same seat (default: a new one)', value: 'KEY' },
  holder: { kind: 'text', description: 'Who holds it (default: USER@HOST)', value: 'NAME' },
  pipeline: { kind: 'text', description: 'What usage is counted under (default: none)', value: 'NAME' },
} as const;

export interface Wanted {
  readonly node?: string | undefined;
  readonly line?: string | undefined;
  readonly ticket: string;
  readonly for?: string | undefined;
  /** Milliseconds. */
  readonly wait: number;
  readonly job?: string | undefined;
  readonly holder?: string | undefined;
  readonly pipeline?: string | undefined;
}

export const seatPath = (node: string, verb: string): string => `/v1/seats/${encodeURIComponent(node)}/${verb}`;

/** @throws ResealError USAGE */
export function placeOf({ node, line }: Pick<Wanted, 'node' | 'line'>): { readonly node: string } | { readonly line: string } {
  if (node !== undefined && line === undefined) return { node };
  if (line !== undefined && node === undefined) return { line };
  throw new ResealError('USAGE', 'Name either a node or, with --line, a line.');
}

/** Asks for a seat and waits for it as long as is wanted. @throws ResealError SEAT_HELD where it was not to be had in that time */
export async function claimSeat(context: Context, api: ApiClient, wanted: Wanted): Promise<SeatStandingView> {
  const { ticket, wait } = wanted;
  const place = placeOf(wanted);
  const until = Date.now() + wait;
  const signal = wait > 0 ? context.interrupted() : undefined;
  let standing = await api.post<SeatStandingView>('/v1/seats', {
    ...place,
    holder: wanted.holder ?? ownName(),
    pipeline: wanted.pipeline ?? 'none',
    ticket,
    job: wanted.job ?? randomUUID(),
    wait,
    ...(wanted.for === undefined ? {} : { lease: durationOf('--for', wanted.for) }),
  });
  const allowed = standing.beatBy === null ? 0 : Date.parse(standing.beatBy) - Date.now();
  let shown = '';
  while (standing.state === 'queued' && Date.now() < until && signal?.aborted !== true) {
    const turn = queuedText(standing);
    if (turn !== shown) context.output.progress(turn);
    shown = turn;
    await sleep(LOOK_EVERY, undefined, signal === undefined ? {} : { signal }).catch(() => undefined);
    standing = await api.post<SeatStandingView>(seatPath(standing.node, isDue(standing, allowed) ? 'heartbeat' : 'standing'), {
      token: standing.token,
    });
  }
  if (standing.state === 'granted') return standing;
  if (standing.token !== null) await api.post(seatPath(standing.node, 'release'), { token: standing.token });
  throw new ResealError('SEAT_HELD', await notToBeHad(api, standing.node, wait));
}

/** Half of what the first answer allowed has passed: whoever is silent for all of it is taken for dead. */
const isDue = ({ beatBy }: SeatStandingView, allowed: number): boolean => beatBy !== null && Date.parse(beatBy) - Date.now() < allowed / 2;

async function notToBeHad(api: ApiClient, node: string, wait: number): Promise<string> {
  const { seats } = await api.get<SeatListView>('/v1/seats');
  const seat = seats.find((one) => one.node === node);
  const next = wait === 0 ? 'Wait for it with --wait 20m' : 'Wait longer, ask for less with --for, or ask for another signer';
  const look = '`reseal seat list` shows who holds and who has booked seats.';
  const held = (seat?.held ?? []).map((claim) => `${claim.holder} under ${claim.ticket} until ${claim.until}`);
  const [booked] = seat?.bookings ?? [];
  if (seat !== undefined && held.length < seat.capacity && booked !== undefined)
    return `${node} has no seat free for so long: ${booked.holder} has booked it under ${booked.ticket} from ${booked.from} to ${booked.until}. ${next}; ${look}`;
  return `The seat of ${node} is held by ${held.join(', ') || 'somebody until a moment ago'}. ${next}; ${look}`;
}
