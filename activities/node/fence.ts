import { randomUUID } from 'node:crypto';
import type { Instant, Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { admit, stillHolds, type Admission, type Fence, type NodeOrder } from '../../src/domain/node/order.js';
import { isTemporary, type NodeFiles } from '../../src/node-shell/contract.js';
import { withLock } from '../../src/node-shell/lock.js';
import { Journal, type JournalSubject } from './journal.js';
import type { AttemptPlace } from './paths.js';
import { StateFile } from './state-file.js';

/** The node's lock, held; every rename asks first whether the attempt still owns the line. */
export interface Held {
  /** @throws ResealError STALE_EPOCH, ORDER_EXPIRED */
  check(): Promise<void>;
}

/** An attempt of an operation that the node has admitted: it owns the line until a newer one is admitted. */
export class AdmittedAttempt {
  private constructor(
    private readonly files: NodeFiles,
    private readonly paths: AttemptPlace,
    private readonly order: NodeOrder,
    private readonly mine: Fence,
    private readonly clock: () => Instant,
    readonly journal: Journal,
    readonly accepted: StateFile<readonly Sha256[]>,
  ) {}

  /**
   * Admits an order and begins its work under one hold of the node's lock: from now on lower epochs, older orders and older attempts find
   * the line taken, whether they have begun or not.
   * What dead attempts left half written is gone.
   * @throws ResealError STALE_EPOCH, ORDER_EXPIRED
   */
  static async admit<T>(
    files: NodeFiles,
    paths: AttemptPlace,
    order: NodeOrder,
    attempt: number,
    clock: () => Instant,
    operation: JournalSubject,
    work: (attempt: AdmittedAttempt, held: Held) => Promise<T>,
  ): Promise<T> {
    const { line, rotation, epoch, opId, sentAt, notAfter } = order;
    const mine: Fence = { epoch, opId, sentAt, attempt, token: randomUUID() };
    const journal = new Journal(files, paths.stateFile('journal'), { line, rotation, ...mine }, clock);
    for (const missing of await files.missingFolders(paths.state)) await files.makeFolder(missing);
    const admitted = new AdmittedAttempt(files, paths, order, mine, clock, journal, new StateFile(files, paths.stateFile('accepted.json')));
    return withLock(files, paths.stateFile('lock'), async () => {
      refuse(files, admit(await journal.fence(), mine, notAfter, clock()), order);
      if (!(await journal.isSettled())) await removeLeftOvers(files, paths);
      journal.admit(operation);
      return work(admitted, admitted.held());
    });
  }

  /**
   * Holds the node's lock again. Not fenced by itself, so that what was done is told even when the order ran out or a newer attempt
   * owns the line by now; whatever changes something asks `held`.
   */
  hold<T>(work: (held: Held) => Promise<T>): Promise<T> {
    return withLock(this.files, this.paths.stateFile('lock'), () => work(this.held()));
  }

  private held(): Held {
    return {
      check: async () =>
        refuse(this.files, stillHolds(await this.journal.fence(), this.mine, this.order.notAfter, this.clock()), this.order),
    };
  }
}

function refuse(files: NodeFiles, admission: Admission, order: NodeOrder): void {
  if (admission.admit) return;
  throw new ResealError(
    admission.code,
    `Node ${files.node} refuses ${order.opId} on ${order.line}: ${admission.reason}. Nothing was changed by it; look at the rotation for the newer order.`,
  );
}

/** Temporary files are written under the lock only, so any that is there now belongs to an attempt that was cut off. */
async function removeLeftOvers(files: NodeFiles, paths: AttemptPlace): Promise<void> {
  for (const folder of paths.temporaries) {
    for (const name of await files.list(folder)) if (isTemporary(name)) await files.remove(`${folder}/${name}`);
  }
}
