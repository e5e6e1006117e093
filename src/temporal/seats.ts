import { WithStartWorkflowOperation, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { NodeName } from '../domain/brands.js';
import type { BookingAnswer, BookRequest } from '../domain/seats/book.js';
import { emptySeat, seatView, type AcquireRequest, type SeatView, type Standing } from '../domain/seats/seat.js';
import {
  acquireUpdate,
  bookUpdate,
  heartbeatUpdate,
  releaseUpdate,
  seatsQuery,
  standingQuery,
  type ForcedRelease,
  type SeatRules,
} from '../../workflows/seat-messages.js';
import type { signerSeat } from '../../workflows/signer-seat.js';
import { TASK_QUEUE } from './task-queue.js';

/** How long a call waits for a worker to take it up, in milliseconds. */
const PATIENCE = 20_000;

/** The seats of signers, each the workflow `seat/<node>`. A seat that nobody wants has none that runs. */
export class Seats {
  constructor(
    private readonly client: Client,
    private readonly taskQueue: string,
  ) {}

  /** Asks for a seat, starting its workflow where none runs. Answers at once. */
  acquire(node: NodeName, rules: SeatRules, request: Omit<AcquireRequest, 'token'>): Promise<Standing> {
    return this.within(() =>
      this.client.workflow.executeUpdateWithStart(acquireUpdate, {
        args: [{ ...request, ...rules }],
        startWorkflowOperation: this.start(node, rules),
      }),
    );
  }

  /** Books a seat for later, or again with other times. Answers at once. */
  book(node: NodeName, rules: SeatRules, request: Omit<BookRequest, 'token'>): Promise<BookingAnswer> {
    return this.within(() =>
      this.client.workflow.executeUpdateWithStart(bookUpdate, {
        args: [{ ...request, ...rules }],
        startWorkflowOperation: this.start(node, rules),
      }),
    );
  }

  heartbeat(node: NodeName, token: string): Promise<Standing> {
    const gone: Standing = { kind: 'gone' };
    return this.orNone(() => this.handle(node).executeUpdate(heartbeatUpdate, { args: [{ token }] }), gone);
  }

  /** @returns whether there was anything to release */
  async release(node: NodeName, claim: { readonly token: string; readonly attempt?: number } | ForcedRelease): Promise<boolean> {
    const ended = await this.orNone(() => this.handle(node).executeUpdate(releaseUpdate, { args: [claim] }), { released: false });
    return ended.released;
  }

  standing(node: NodeName, token: string): Promise<Standing> {
    const gone: Standing = { kind: 'gone' };
    return this.orNone(() => this.handle(node).query(standingQuery, token), gone);
  }

  view(node: NodeName, capacity: number): Promise<SeatView> {
    return this.orNone(() => this.handle(node).query(seatsQuery), seatView(emptySeat(node, capacity)));
  }

  private start(node: NodeName, { terms }: SeatRules) {
    return new WithStartWorkflowOperation<typeof signerSeat>('signerSeat', {
      workflowId: this.idOf(node),
      taskQueue: this.taskQueue,
      workflowIdConflictPolicy: 'USE_EXISTING',
      args: [{ node, terms }],
      staticSummary: `the seats of ${node}`,
    });
  }

  private idOf(node: NodeName): string {
    // Whoever works on another queue has seats of their own there.
    return this.taskQueue === TASK_QUEUE ? `seat/${node}` : `seat/${this.taskQueue}/${node}`;
  }

  private handle(node: NodeName) {
    return this.client.workflow.getHandle<typeof signerSeat>(this.idOf(node));
  }

  private within<T>(work: () => Promise<T>): Promise<T> {
    return this.client.withDeadline(Date.now() + PATIENCE, work);
  }

  /** Without a workflow nobody holds the seat and nobody waits for it. */
  private async orNone<T>(work: () => Promise<T>, none: T): Promise<T> {
    try {
      return await this.within(work);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return none;
      throw error;
    }
  }
}
