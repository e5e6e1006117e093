import { standsNotOn, type AdoptedRoster } from '../domain/adopted-rosters.js';
import type { Instant } from '../domain/brands.js';
import { readRevocation, REVOCATION_RIGHT, wasDatedWrong, type Revocation, type RevocationStatement } from '../domain/revocations.js';
import { mayDo, type Roster } from '../domain/roster.js';
import type { Authority } from '../domain/rotation/state.js';
import { SKEW } from '../domain/rotation/statement.js';
import { personSignature, signedWith } from './person.js';

/** By what it is judged who has recorded a revocation. */
export interface RevocationJudges {
  readonly installation: string;
  /** `name`: every node is simulated, and names count as they are. */
  readonly assurance: Authority['assurance'];
  readonly roster: Roster;
  /** Rosters that people have adopted, in order. */
  readonly adopted: readonly AdoptedRoster[];
  readonly now: Instant;
}

export interface JudgedRevocations {
  /** In the order in which they were said. */
  readonly revocations: readonly Revocation[];
  /** Of what is kept there and is none at all. In words that end a sentence. */
  readonly unreadable: readonly string[];
}

/**
 * What was recorded of revocations, and of each word whether it is known who has said it: by a key that the roster has now, of a person who has the right now, on the
 * newest roster that people have adopted too.
 * @param documents as stores keep them, of anybody's making
 */
export function judgedRevocations(documents: readonly unknown[], judges: RevocationJudges): JudgedRevocations {
  const revocations: Revocation[] = [];
  const unreadable: string[] = [];
  for (const document of documents) {
    const { statement, signature } = (document ?? {}) as { readonly statement?: unknown; readonly signature?: unknown };
    const read = readRevocation(statement);
    if (read.kind === 'none') unreadable.push(read.reason);
    // Nobody could sign a later word that takes it back.
    else if (Date.parse(read.statement.issuedAt) > judges.now + SKEW)
      unreadable.push(`it was issued at ${read.statement.issuedAt}, which is to come`);
    else revocations.push({ statement: read.statement, lacks: whyUnproven(read.statement, signature, judges) });
  }
  return {
    revocations: revocations.sort((a, b) => Date.parse(a.statement.issuedAt) - Date.parse(b.statement.issuedAt)),
    unreadable,
  };
}

function whyUnproven(
  statement: RevocationStatement,
  signature: unknown,
  { installation, assurance, roster, adopted, now }: RevocationJudges,
): string | null {
  const { person } = statement;
  if (statement.installation !== installation) return `it is for the installation ${statement.installation}, and this is ${installation}`;
  const wrong = wasDatedWrong(statement, now);
  if (wrong !== null) return wrong;
  if (!mayDo(roster, person, REVOCATION_RIGHT)) return `the roster does not let ${person} ${REVOCATION_RIGHT}`;
  if (typeof signature !== 'string') return assurance === 'name' ? null : 'by name alone, which counts only where every node is simulated';
  const keys = roster.persons.find(({ id }) => id === person)?.keys.map((key) => key.public) ?? [];
  const standing = personSignature(statement, signature, keys);
  switch (standing.kind) {
    case 'declared':
      return assurance === 'name'
        ? null
        : standsNotOn(adopted, { person, right: REVOCATION_RIGHT, signedBy: signedWith(statement, signature) }, now);
    case 'invalid':
      return standing.reason;
    case 'stranger':
      return `signed by ${standing.fingerprint}, which is no key of ${person} on the roster`;
  }
}
