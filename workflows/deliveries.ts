import { condition, CancellationScope, isCancellation } from '@temporalio/workflow';
import type { RotationNodeRow } from '../activities/ledger/contract.js';
import type { Notice } from '../activities/notify/contract.js';
import { isNews, type HistoryEvent } from '../src/domain/rotation/history.js';
import type { RotationState } from '../src/domain/rotation/state.js';
import { statusOf } from '../src/domain/rotation/status.js';
import { ledger, messenger } from './activities.js';
import type { Carried } from './messages.js';

/** Rows that are kept for a ledger that is away, one per node; what more there is, the next inspection tells. */
const MOST_ROWS = 500;

type Fact = Pick<HistoryEvent, 'kind' | 'text' | 'data'> & { readonly actor?: HistoryEvent['actor'] };

/** What is to be written to the ledger and told to people. None of it ever holds the rotation up. */
export class Deliveries {
  private seq: number;
  private readonly unrecorded: HistoryEvent[];
  private readonly untold: HistoryEvent[];
  private rows: readonly RotationNodeRow[];
  private readonly sending = new Set<HistoryEvent>();
  private statusDue = true;
  /** Activities that the worker has in hand. */
  private underway = 0;
  /** Nothing new is begun any more: the next history delivers it. */
  private resting = false;
  private scope = new CancellationScope({ cancellable: true });
  private running: Promise<unknown> = Promise.resolve();

  constructor(
    carried: Carried,
    private readonly state: () => RotationState,
  ) {
    this.seq = carried.seq;
    this.unrecorded = [...carried.unrecorded];
    this.untold = [...carried.untold];
    this.rows = carried.rows;
  }

  note(fact: Fact): void {
    const event: HistoryEvent = { actor: 'reseal', ...fact, rotation: this.state().id, seq: ++this.seq, at: Date.now() };
    this.unrecorded.push(event);
    if (isNews(event)) this.untold.push(event);
  }

  /** A place in the rotation's record for a sentence of somebody else, who writes it once the rotation has ended. */
  reserve(): number {
    return ++this.seq;
  }

  statusChanged(): void {
    this.statusDue = true;
  }

  /** Rows that a step could not hand to the ledger; of a node's rows the newest counts. */
  addRows(rows: readonly RotationNodeRow[]): void {
    if (rows.length === 0) return;
    this.rows = [...new Map([...this.rows, ...rows].map((row) => [row.node, row])).values()].slice(-MOST_ROWS);
  }

  /** A reminder or a page: sent beside the rotation's own work, and not again once it is given up. */
  send(event: Notice['event'], text: string, audience: readonly string[]): void {
    void this.scope.run(() => this.deliver(() => this.notify(event, text, audience, null))).catch(ignoreCancellation);
  }

  /** Call outside the reach of a cancellation of the workflow: what is to be told of that, is told. */
  start(): void {
    this.scope = new CancellationScope({ cancellable: true });
    this.running = this.scope
      .run(() => Promise.all([this.deliverRecords(), this.deliverRows(), this.deliverNews()]))
      .catch(ignoreCancellation);
  }

  /** Begins nothing new, and returns with nothing in hand, or when 3 s have passed. */
  async rest(): Promise<void> {
    this.resting = true;
    if (this.underway > 0) await condition(() => this.underway === 0, '3s');
  }

  /** The ledger may be away, but not for ever; people who cannot be told now find it on the record. */
  async drained(): Promise<void> {
    await condition(() => this.unrecorded.length === 0 && this.rows.length === 0 && !this.statusDue, '10m');
    await condition(() => this.untold.length === 0, '1m');
  }

  async stop(): Promise<void> {
    this.scope.cancel();
    await this.running;
  }

  carry(): Omit<Carried, 'state'> {
    return { seq: this.seq, unrecorded: [...this.unrecorded], untold: [...this.untold], rows: this.rows };
  }

  private async deliverRecords(): Promise<void> {
    for (;;) {
      await condition(() => !this.resting && (this.unrecorded.length > 0 || this.statusDue));
      const batch = this.unrecorded.slice(0, 100);
      this.statusDue = false;
      await this.deliver(async () => {
        const state = this.state();
        const status = state.k > 0 ? statusOf(state, Date.now()) : null;
        if (status !== null || batch.length > 0) await ledger.recordProgress({ status, events: batch });
      });
      this.unrecorded.splice(0, batch.length);
    }
  }

  private async deliverRows(): Promise<void> {
    for (;;) {
      await condition(() => !this.resting && this.rows.length > 0);
      const batch = this.rows.slice(0, 100);
      await this.deliver(() => ledger.recordStep({ line: this.state().line, rows: batch, reports: [] }));
      this.rows = this.rows.filter((row) => !batch.includes(row));
    }
  }

  /** Each by itself: a piece of news that cannot be delivered does not keep the next one back. */
  private async deliverNews(): Promise<void> {
    for (;;) {
      await condition(() => !this.resting && this.untold.some((event) => !this.sending.has(event)));
      for (const event of this.untold.filter((one) => !this.sending.has(one))) {
        this.sending.add(event);
        void this.deliver(() => this.tell(event)).catch(ignoreCancellation);
      }
    }
  }

  private async tell(event: HistoryEvent): Promise<void> {
    const kind =
      event.kind === 'question' || event.kind === 'gate' || event.kind === 'restored' || event.kind === 'exclusion'
        ? event.kind
        : 'outcome';
    await this.notify(kind, event.text, this.state().policy.audience.owner, event);
    this.untold.splice(this.untold.indexOf(event), 1);
    this.sending.delete(event);
  }

  private async deliver(work: () => Promise<void>): Promise<void> {
    this.underway += 1;
    try {
      await work();
    } finally {
      this.underway -= 1;
    }
  }

  /** A notice that cannot be delivered stays on the record. */
  private async notify(event: Notice['event'], text: string, audience: readonly string[], history: HistoryEvent | null): Promise<void> {
    try {
      await messenger.notify({ event, text, audience, rotation: statusOf(this.state(), Date.now()), history });
    } catch (error) {
      if (isCancellation(error)) throw error;
    }
  }
}

function ignoreCancellation(error: unknown): void {
  if (!isCancellation(error)) throw error;
}
