import { WithStartWorkflowOperation, WorkflowNotFoundError, type Client } from '@temporalio/client';
import type { ClaimAnswer, ClaimKey, ClaimRequest, ClaimTerms, ClaimView, CompletionAnswer, Signing } from '../domain/signing/claim.js';
import { acquireClaimUpdate, claimQuery, completeClaimUpdate, releaseClaimUpdate } from '../../workflows/claim-messages.js';
import type { signClaim } from '../../workflows/sign-claim.js';
import { TASK_QUEUE } from './task-queue.js';

/** How long a call waits for a worker, and for the ledger behind it, in milliseconds. */
const PATIENCE = 20_000;

/** Claims on artifacts to sign, each the workflow `claim/<artifact>/<bundle>/<method>`. What nobody holds has none that runs: the ledger knows what was signed. */
export class Claims {
  constructor(
    private readonly client: Client,
    private readonly taskQueue: string,
  ) {}

  acquire(key: ClaimKey, terms: ClaimTerms, request: Omit<ClaimRequest, 'token'>): Promise<ClaimAnswer> {
    return this.within(() =>
      this.client.workflow.executeUpdateWithStart(acquireClaimUpdate, {
        args: [{ ...request, terms }],
        startWorkflowOperation: this.start(key),
      }),
    );
  }

  /** Starts the workflow where none runs: of a claim that is over long ago the ledger is asked. */
  complete(key: ClaimKey, signing: Pick<Signing, 'token' | 'signed' | 'location'>): Promise<CompletionAnswer> {
    return this.within(() =>
      this.client.workflow.executeUpdateWithStart(completeClaimUpdate, { args: [signing], startWorkflowOperation: this.start(key) }),
    );
  }

  async release(key: ClaimKey, token: string): Promise<void> {
    await this.orNone(() => this.handle(key).executeUpdate(releaseClaimUpdate, { args: [{ token }] }));
  }

  /** Null: no workflow of it runs; nobody holds it then. */
  view(key: ClaimKey): Promise<ClaimView | null> {
    return this.orNone(() => this.handle(key).query(claimQuery));
  }

  private start(key: ClaimKey) {
    return new WithStartWorkflowOperation<typeof signClaim>('signClaim', {
      workflowId: this.idOf(key),
      taskQueue: this.taskQueue,
      workflowIdConflictPolicy: 'USE_EXISTING',
      args: [{ key }],
      staticSummary: `who signs ${key.bundleId} for ${key.method}`,
    });
  }

  private idOf({ artifact, bundleId, method }: ClaimKey): string {
    const claim = `${artifact}/${bundleId}/${method}`;
    // Whoever works on another queue has claims of their own there.
    return this.taskQueue === TASK_QUEUE ? `claim/${claim}` : `claim/${this.taskQueue}/${claim}`;
  }

  private handle(key: ClaimKey) {
    return this.client.workflow.getHandle<typeof signClaim>(this.idOf(key));
  }

  private within<T>(work: () => Promise<T>): Promise<T> {
    return this.client.withDeadline(Date.now() + PATIENCE, work);
  }

  private async orNone<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await this.within(work);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    }
  }
}
