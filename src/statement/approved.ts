import type { LineName, PersonId, Sha256 } from '../domain/brands.js';
import type { PinnedApprovers } from '../domain/node/approved.js';
import { approves, isCommand, readStatement, type GateKind } from '../domain/rotation/statement.js';
import { personSignature } from './person.js';

/** Who has approved a manifest, and why what else is there does not count. */
export interface Approvers {
  readonly persons: readonly PersonId[];
  /** In words that end a sentence. */
  readonly reasons: readonly string[];
}

/** Gates behind which nodes beyond the canary are switched. */
const LETS_THROUGH: readonly GateKind[] = ['signoff', 'emergency'];
/** More than a gate ever has: the rest of what somebody put into a store is not even looked at. */
const MOST = 50;

/**
 * Who has approved that this manifest comes into force on this line, by the keys that a machine has pinned. Whether they were in time was
 * judged when the gate was open; an approval is for a manifest, and the manifest is the same whenever a node comes back to it.
 * @param document as the store keeps it, of anybody's making
 */
export function approversOf(
  document: unknown,
  { line, manifest }: { line: LineName; manifest: Sha256 },
  pinned: PinnedApprovers,
): Approvers {
  const kept = (document as { readonly approvals?: unknown } | null)?.approvals;
  const persons = new Set<PersonId>();
  const reasons: string[] = [];
  for (const one of Array.isArray(kept) ? (kept as readonly unknown[]).slice(0, MOST) : []) {
    const judged = judge(one, line, manifest, pinned);
    if ('person' in judged) persons.add(judged.person);
    else reasons.push(judged.reason);
  }
  return { persons: [...persons], reasons };
}

function judge(
  signed: unknown,
  line: LineName,
  manifest: Sha256,
  { installation, keys }: PinnedApprovers,
): { readonly person: PersonId } | { readonly reason: string } {
  const { statement: said, signature } = (signed ?? {}) as { readonly statement?: unknown; readonly signature?: unknown };
  const read = readStatement(said);
  if (read.kind === 'none' || typeof signature !== 'string') return { reason: 'one is no signed statement' };
  const { statement } = read;
  const { person } = statement;
  if (!isCommand(statement) || !approves(statement)) return { reason: `what ${person} says is no approval` };
  const binds = 'binds' in statement ? statement.binds : null;
  if (binds === null || !LETS_THROUGH.includes(binds.gate) || binds.to !== manifest || statement.line !== line)
    return { reason: `${person} has approved something else` };
  if (statement.installation !== installation) return { reason: `${person} has approved it for ${statement.installation}` };
  if (statement.mode !== 'production') return { reason: `${person} has approved it in a rehearsal` };
  const own = Object.hasOwn(keys, person) ? (keys[person] ?? []) : null;
  if (own === null) return { reason: `${person} is nobody whose approval counts here` };
  const standing = personSignature(statement, signature, own);
  if (standing.kind === 'invalid') return { reason: `what is said to be approved by ${person} does not count: ${standing.reason}` };
  return standing.kind === 'stranger' ? { reason: `${standing.fingerprint} is no key of ${person}` } : { person };
}
