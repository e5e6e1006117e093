import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { NodeActivities } from '../../activities/node/contract.js';
import type { Configuration } from '../configuration/load.js';
import { describeDuration } from '../domain/duration.js';
import { isReturn } from '../domain/node/order.js';
import type { AcquireRequest, SeatView, Standing } from '../domain/seats/seat.js';
import type { NodeDeclaration } from '../domain/topology.js';
import type { Seats } from './seats.js';

/** Between two looks at where a claim stands, in milliseconds. */
const LOOK_EVERY = 300;

type SwitchOrder = Parameters<NodeActivities['switchNode']>[0];

type SeatsOfNodes = Pick<Seats, 'acquire' | 'heartbeat' | 'release' | 'standing' | 'view'>;

/** How a switch may go on: with a seat to give back, or without one and why. */
type Admission = { readonly token: string } | { readonly token: null; readonly remark: string | null };

/**
 * Takes a signer's seat before it is switched and gives it back right after, whatever came of it. The seat is held by the attempt, in the
 * worker: a rotation that waits for people holds none, nodes that do not sign cost nothing, and no history gets longer. A retry after a
 * worker's death has the same claim again (its key is the order's id); an attempt that never comes back is silent, and loses the seat. One that comes back late,
 * when a newer one is at work under the same claim, leaves it alone; when that has finished, it takes the seat, is refused by the fence, and gives it back.
 */
export function seated(nodes: NodeActivities, seats: SeatsOfNodes, configuration: () => Configuration): NodeActivities {
  // One that somebody has just broken keeps no node from being switched, or brought back: the last that could be read counts.
  let known = configuration();
  const lastReadable = (): Configuration => {
    try {
      known = configuration();
    } catch {
      // Who broke it hears of it from everything that asks for it.
    }
    return known;
  };
  return {
    ...nodes,
    switchNode: async (order) => {
      const now = lastReadable();
      const node = now.topology.nodes.find((one) => one.name === order.node);
      if (node === undefined || !node.roles.includes('signer')) return nodes.switchNode(order);
      const claim = new SwitchClaim(order, node, seats, now);
      const admission = await claim.admit();
      if (admission.token === null) {
        const result = await nodes.switchNode(order);
        return admission.remark === null ? result : { ...result, remark: admission.remark };
      }
      const { token } = admission;
      const beats = setInterval(() => void seats.heartbeat(order.node, token).catch(() => undefined), now.policy.seats.heartbeat / 3);
      try {
        return await nodes.switchNode(order);
      } finally {
        clearInterval(beats);
        // Where it cannot be said, silence says it: the seat is free after `seats.heartbeat`.
        await seats.release(order.node, { token, attempt: attempt() }).catch(() => undefined);
      }
    },
  };
}

/** Which attempt of its activity this is, from 1. */
const attempt = (): number => Context.current().info.attempt;

class SwitchClaim {
  constructor(
    private readonly order: SwitchOrder,
    private readonly node: NodeDeclaration,
    private readonly seats: SeatsOfNodes,
    private readonly configuration: Configuration,
  ) {}

  admit(): Promise<Admission> {
    return isReturn(this.order) ? this.admitReturn() : this.admitForward();
  }

  /**
   * Waits for at most `seats.rotationWait`. An attempt waits for a quarter of `limits.nodeOperationTimeout`, so that the switch itself has
   * its time; the next attempt has the same place in the queue.
   */
  private async admitForward(): Promise<Admission> {
    const { policy } = this.configuration;
    const attemptEnds = Date.now() + policy.limits.nodeOperationTimeout / 4;
    if (Date.now() > this.order.notAfter) throw ApplicationFailure.nonRetryable('the order grew old waiting for a seat', 'ORDER_EXPIRED');
    let standing = await this.ask('rotation', policy.seats.rotationWait);
    while (standing.kind === 'queued') {
      if (Date.now() >= attemptEnds) {
        // The next attempt has this place. After one that Temporal has given up, and another one has finished, nobody comes any more.
        if (Context.current().cancellationSignal.aborted) await this.leave(standing.token);
        throw ApplicationFailure.retryable(await this.heldInWords(), 'SEAT_HELD');
      }
      standing = await this.look(standing);
    }
    if (standing.kind === 'granted') return standing;
    const limit = describeDuration(policy.seats.rotationWait);
    throw ApplicationFailure.nonRetryable(
      `${await this.heldInWords()}, longer than a rotation waits (seats.rotationWait: ${limit}); wait for it or release it with \`reseal seat release ${this.order.node} --force\`, then give the node another turn`,
      'SEAT_HELD',
    );
  }

  /** First in the queue, and never held up: by no holder for longer than `seats.rollbackWait`, by no trouble with seats at all. */
  private async admitReturn(): Promise<Admission> {
    const { rollbackWait } = this.configuration.policy.seats;
    const until = Date.now() + rollbackWait;
    try {
      let standing = await this.ask('return', rollbackWait);
      while (standing.kind === 'queued' && Date.now() < until) {
        // An attempt of the same rotation that is given up for this one: the fence keeps it from changing anything.
        if ((await this.view()).held.some((claim) => claim.holder === this.order.rotation)) break;
        standing = await this.look(standing);
      }
      if (standing.kind === 'granted') return standing;
      const held = (await this.view()).held.filter((claim) => claim.holder !== this.order.rotation);
      if (standing.kind === 'queued') await this.leave(standing.token);
      return { token: null, remark: held.length === 0 ? null : `${await this.heldInWords()}; it was switched back without its seat` };
    } catch (error) {
      if (Context.current().cancellationSignal.aborted) throw error;
      return {
        token: null,
        remark: `${this.order.node} was switched back without its seat: ${error instanceof Error ? error.message : String(error)}`,
      };
    }
  }

  private ask(purpose: AcquireRequest['purpose'], wait: number): Promise<Standing> {
    const { rotation, opId, node } = this.order;
    const { policy } = this.configuration;
    return this.seats.acquire(
      node,
      { terms: policy.seats, capacity: this.node.seats ?? 1 },
      {
        holder: rotation,
        pipeline: 'reseal',
        ticket: rotation,
        job: opId,
        lease: 2 * policy.limits.nodeOperationTimeout,
        wait,
        purpose,
        attempt: attempt(),
      },
    );
  }

  /** Gives the claim back, unless a newer attempt has it too. */
  private async leave(token: string): Promise<void> {
    await this.seats.release(this.order.node, { token, attempt: attempt() });
  }

  /** Looks again in a moment; a claim that is given up by cancellation leaves the queue. */
  private async look(standing: Standing & { readonly kind: 'queued' }): Promise<Standing> {
    const { node } = this.order;
    try {
      await Context.current().sleep(LOOK_EVERY);
    } catch (error) {
      await this.leave(standing.token).catch(() => undefined);
      throw error;
    }
    const quiet = standing.beatBy - Date.now() < this.configuration.policy.seats.heartbeat / 2;
    return quiet ? this.seats.heartbeat(node, standing.token) : this.seats.standing(node, standing.token);
  }

  private view(): Promise<SeatView> {
    return this.seats.view(this.order.node, this.node.seats ?? 1);
  }

  private async heldInWords(): Promise<string> {
    const { held } = await this.view();
    const by = held.map(({ holder, ticket }) => `${holder} under ${ticket}`);
    return `the seat of ${this.order.node} is held by ${by.join(', ') || 'nobody any more'}`;
  }
}
