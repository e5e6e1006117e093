import { mkdir } from 'node:fs/promises';
import { AuditLog, type Chain } from '../../../activities/audit/log.js';
import type { AuditHead, AuditSubject, AuditWriter } from '../../domain/audit/record.js';
import { ResealError } from '../../domain/errors.js';
import { enrolledKeysIn } from '../../identity/enrolled-keys.js';
import { auditFolder, holdChain, type HeldChain } from './hold-chain.js';

export interface NodeLog {
  readonly log: AuditLog;
  close(): Promise<void>;
}

/**
 * The chain of an agent or a gateway, in the folder of its state and under the key that was made there (`reseal node enroll`; without one it is not
 * signed). Taken up with the first order that changes something: who serves a node begins to, whatever its disk says.
 */
export function nodeLog(writer: AuditWriter & { readonly kind: 'agent' | 'gateway' }, folder: string): NodeLog {
  const chain = new ChainOnDemand(() => take(writer, folder));
  // Its copies are the anchors that rotations keep.
  return { log: new AuditLog(chain, { mustBeOpen: () => undefined }), close: () => chain.close() };
}

async function take(writer: AuditWriter, folder: string): Promise<HeldChain> {
  const chains = auditFolder(folder);
  try {
    await mkdir(chains, { recursive: true, mode: 0o700 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ResealError('AUDIT_UNWRITABLE', `No audit chain can be taken up in ${chains}: ${reason}. See that its disk has room and that this account may write there.`, { cause: error }); // prettier-ignore
  }
  return holdChain(chains, writer, async () => (await enrolledKeysIn(folder))[0] ?? null);
}

/** Tried again with every record for as long as it cannot be taken up. */
class ChainOnDemand implements Chain {
  private taking: Promise<HeldChain> | null = null;
  private held: HeldChain | null = null;

  constructor(private readonly take: () => Promise<HeldChain>) {}

  get head(): AuditHead | null {
    return this.held?.writer.head ?? null;
  }

  async append(subject: AuditSubject): Promise<AuditHead> {
    this.taking ??= this.take();
    try {
      this.held = await this.taking;
    } catch (error) {
      this.taking = null;
      throw error;
    }
    return this.held.writer.append(subject);
  }

  async close(): Promise<void> {
    const held = await this.taking?.catch(() => null);
    await held?.release();
  }
}
