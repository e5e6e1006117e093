import { MockActivityEnvironment } from '@temporalio/testing';
import { expect, it } from 'vitest';
import type { NodeActivities } from '../../activities/node/contract.js';
import { loadConfiguration, type Configuration } from '../../src/configuration/load.js';
import type { NodeName } from '../../src/domain/brands.js';
import { acquireSeat, emptySeat, mayRelease, releaseSeat, seatView, standingOf, tokenOf, type Seat } from '../../src/domain/seats/seat.js';
import { seated } from '../../src/temporal/seated-nodes.js';
import { fileURLToPath } from 'node:url';

const EXAMPLE = loadConfiguration(fileURLToPath(new URL('../configuration/example', import.meta.url)));
const SIGNER = EXAMPLE.topology.nodes.find((node) => node.roles.includes('signer'))!.name;
const CONFIGURATION: Configuration = EXAMPLE;
type SwitchOrder = Parameters<NodeActivities['switchNode']>[0];
const ORDER = { node: SIGNER, rotation: 'ios-main-1', opId: 'ios-main-1/switch/1000', notAfter: Date.now() + 3_600_000 } as SwitchOrder;

/** The seats as their workflow keeps them, without a server. */
class SeatsInMemory {
  seat: Seat = emptySeat(SIGNER, 1);
  private tokens = 0;

  readonly acquire: Parameters<typeof seated>[1]['acquire'] = async (_, { terms }, request) => {
    this.tokens += 1;
    this.seat = acquireSeat(this.seat, { ...request, token: `token-${this.tokens}` }, Date.now(), terms).seat;
    return standingOf(this.seat, tokenOf(this.seat, request) ?? '');
  };
  readonly heartbeat = async (_: NodeName, token: string) => standingOf(this.seat, token);
  readonly standing = this.heartbeat;
  readonly view = async () => seatView(this.seat);
  readonly release: Parameters<typeof seated>[1]['release'] = async (_, claim) => {
    if (!('token' in claim) || !mayRelease(this.seat, claim.token, claim.attempt)) return false;
    this.seat = releaseSeat(this.seat, claim.token, 'released', Date.now(), CONFIGURATION.policy.seats).seat;
    return true;
  };
}

/** One attempt of the activity `switchNode`. */
function attempt(number: number, seats: SeatsInMemory, work: () => Promise<unknown>): { run: Promise<unknown>; cancel: () => void } {
  const environment = new MockActivityEnvironment({ attempt: number });
  const nodes = { switchNode: work } as unknown as NodeActivities;
  const { switchNode } = seated(nodes, seats, () => CONFIGURATION);
  return { run: environment.run(() => switchNode(ORDER)), cancel: () => { environment.cancel('TIMED_OUT'); } }; // prettier-ignore
}

/** A piece of work that is under way until somebody ends it. */
function held(): { readonly work: () => Promise<unknown>; readonly begun: Promise<void>; readonly end: () => void } {
  let begin = (): void => undefined;
  let end = (): void => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  const ended = new Promise<void>((resolve) => (end = resolve));
  return { begun, end: () => { end(); }, work: async () => { begin(); await ended; return {}; } }; // prettier-ignore
}
const refused = async (): Promise<never> => {
  throw new Error('STALE_EPOCH');
};

it('a late older attempt that takes the seat after its retry has finished is refused by the fence, and gives it back', async () => {
  const seats = new SeatsInMemory();
  await attempt(2, seats, async () => ({})).run;
  expect(seats.seat.held).toEqual([]);
  let during: Seat['held'] = [];
  const late = attempt(1, seats, () => {
    during = seats.seat.held;
    return refused();
  });
  await expect(late.run).rejects.toThrow('STALE_EPOCH');
  expect(during).toMatchObject([{ job: ORDER.opId, attempt: 1 }]);
  expect(seats.seat.held).toEqual([]);
});

it('one that comes back while its retry is at work leaves the seat to it', async () => {
  const seats = new SeatsInMemory();
  const retry = held();
  const newer = attempt(2, seats, retry.work);
  await retry.begun;
  await expect(attempt(1, seats, refused).run).rejects.toThrow('STALE_EPOCH');
  expect(seats.seat.held).toMatchObject([{ job: ORDER.opId, attempt: 2 }]);
  retry.end();
  await newer.run;
  expect(seats.seat.held).toEqual([]);
});

it('one that is given up while it waits leaves the queue, and not the place that its retry has', async () => {
  const seats = new SeatsInMemory();
  const rules = { terms: CONFIGURATION.policy.seats, capacity: 1 };
  const ci = { holder: 'ci', pipeline: 'courier', ticket: 'CHG-1', job: 'build', lease: null, wait: 0, purpose: 'job' } as const;
  await seats.acquire(SIGNER, rules, ci);
  const alone = attempt(1, seats, refused);
  alone.cancel();
  await expect(alone.run).rejects.toThrow();
  expect(seats.seat.queue).toEqual([]);

  const older = attempt(1, seats, refused);
  const newer = attempt(2, seats, refused);
  older.cancel();
  await expect(older.run).rejects.toThrow();
  expect(seats.seat.queue).toMatchObject([{ job: ORDER.opId, attempt: 2 }]);
  newer.cancel();
  await expect(newer.run).rejects.toThrow();
  expect(seats.seat.queue).toEqual([]);
});
