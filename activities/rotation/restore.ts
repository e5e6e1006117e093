import type { LineName, Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import type { NodeDeclaration } from '../../src/domain/topology.js';
import type { NodeRestoreInput } from '../../workflows/node-request.js';
import { asOfNow } from './as-of-now.js';
import { situationOf, type Surroundings } from './surroundings.js';

export interface RestoreOrder {
  readonly node: NodeDeclaration;
  readonly line: LineName;
  /** Of the number: the same key, the same number. */
  readonly key: string;
  readonly by: string;
  readonly ticket: string;
  /** Of the signed statement that asks, which then counts for this key alone. */
  readonly nonce?: string | undefined;
}

/**
 * What a node's restore goes by, whoever asks for it.
 * @param stillFree throws where a rotation of the line is in flight. One that begins after it has a later number; of one that began before, the head is as it left it
 * @throws ResealError REFUSED where nothing is in force on the line; what `stillFree` throws
 */
export async function orderRestore(around: Surroundings, order: RestoreOrder, stillFree: () => Promise<void>): Promise<NodeRestoreInput> {
  const { node, line, key, by, ticket, nonce } = order;
  const context = { by, ticket };
  const number = await situationOf(around, line).store.allot(line, key, context, nonce);
  await stillFree();
  const manifest = await inForceOn(around, line);
  return { node: node.name, line, manifest, number, ...context, ...(await asOfNow(around, line, [node], context)) };
}

/** @throws ResealError REFUSED where the line has no manifest yet */
export async function inForceOn(around: Surroundings, line: LineName): Promise<Sha256> {
  const head = await situationOf(around, line).store.head(line);
  if (head !== null) return head.digest;
  throw new ResealError('REFUSED', `Line ${line} has no manifest yet. Freeze one with \`reseal manifest freeze --first\`.`);
}
