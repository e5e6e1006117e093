import { join } from 'node:path';
import { ChainWriter } from '../../../activities/audit/chain-writer.js';
import type { AuditWriter } from '../../domain/audit/record.js';
import type { WriterPresence } from '../../domain/audit/verify.js';
import { ResealError } from '../../domain/errors.js';
import type { MachineKey } from '../../statement/machine-key.js';
import { claim, isHeld } from '../file-lock.js';
import { version } from '../version.js';

/** Processes that one folder has chains for; more of them on one machine have homes of their own. */
const MOST_WRITERS = 100;

export interface HeldChain {
  readonly writer: ChainWriter;
  /** Lets another process take it up. */
  release(): Promise<void>;
}

/** Where the chains of those lie that have their state in a folder: a home of reseal, or the state of a node or a gateway. */
export const auditFolder = (folder: string): string => join(folder, 'audit');

/** The folder of the n-th chain in a folder of chains, from 1. */
export const chainFolder = (folder: string, kind: AuditWriter['kind'], position: number): string => join(folder, `${kind}-${position}`);

/**
 * Takes up a chain for this process: the first of the folder that no living process has, so that one that comes back goes on with its own, and two
 * never write the same.
 * @throws ResealError AUDIT_UNWRITABLE
 */
export async function holdChain(folder: string, writer: AuditWriter, key: () => Promise<MachineKey | null>): Promise<HeldChain> {
  for (let position = 1; position <= MOST_WRITERS; position += 1) {
    const chain = chainFolder(folder, writer.kind, position);
    const claimed = claimIn(folder, `${chain}.lock`);
    if ('heldBy' in claimed) continue;
    try {
      const held = await ChainWriter.open({ folder: chain, writer, key, version: version() });
      return { writer: held, release: () => held.close().finally(claimed.release) };
    } catch (error) {
      claimed.release();
      throw error;
    }
  }
  throw new ResealError(
    'AUDIT_UNWRITABLE',
    `${MOST_WRITERS} processes write audit chains in ${folder} already. Give this one a home of its own (--home).`,
  );
}

/** Whether a process of this machine writes the chain in a folder now. */
export const presenceOf = (folder: string): WriterPresence => (isHeld(`${folder}.lock`) ? 'at-work' : 'gone');

function claimIn(folder: string, path: string): ReturnType<typeof claim> {
  try {
    return claim(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ResealError('AUDIT_UNWRITABLE', `No audit chain can be taken up in ${folder}: ${reason}. See that its disk has room and that this account may write there.`, { cause: error }); // prettier-ignore
  }
}
