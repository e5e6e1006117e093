import type { Configuration } from '../../src/configuration/load.js';
import { standsNotOn, type AdoptedRoster } from '../../src/domain/adopted-rosters.js';
import type { Instant, LineName, PersonId } from '../../src/domain/brands.js';
import { isBySource } from '../../src/domain/imports/kept.js';
import type { Claim } from '../../src/domain/imports/proof.js';
import { IMPORT_RIGHT, namesSubject, readImport, wasUntimely, type Subject } from '../../src/domain/imports/statement.js';
import { mayDo } from '../../src/domain/roster.js';
import { keysOf } from '../../src/domain/rotation/commands.js';
import type { Authority } from '../../src/domain/rotation/state.js';
import { exactly, faultOf, isForOther, matches, SHA256, text, type Field } from '../../src/domain/rotation/statement.js';
import type { SignatureStanding } from '../../src/domain/signing/standing.js';
import { importSealSignature } from '../../src/statement/machine-key.js';
import { personSignature, signedWith } from '../../src/statement/person.js';
import type { SealKey } from './seal.js';

/** By what it is judged who has taken something in on a line. */
export interface ImportJudges {
  readonly roster: Configuration['roster'];
  /** Rosters that people have adopted, in order. */
  readonly adopted: readonly AdoptedRoster[];
  readonly authority: Authority;
  readonly line: LineName;
  readonly key: SealKey;
  readonly now: Instant;
}

/** What the store keeps of one thing, of anybody's making. */
export interface Found {
  readonly subject: Subject;
  /** Whom its own record names first; null where it has none. */
  readonly recorded: string | null;
  readonly kept: readonly unknown[];
}

/**
 * Who has taken a thing in, as the store says, and whether that is known. On a line where every node is simulated names count as they are. A signature counts by a key
 * that the roster has now: what a key has signed that was replaced since, somebody signs again.
 */
export function claimsOf({ subject, recorded, kept }: Found, judges: ImportJudges): readonly Claim[] {
  const claims = kept.flatMap((document) => claimsIn(document, subject, judges));
  const named = recorded === null || claims.some(({ by }) => by === recorded) ? [] : [{ by: recorded, lacks: unsigned(recorded, judges) }];
  const first = claims.filter(({ by }) => by === recorded);
  return [...named, ...first, ...claims.filter((claim) => !first.includes(claim))];
}

interface Given {
  readonly by?: unknown;
  readonly signed?: { readonly statement?: unknown; readonly signature?: unknown } | null;
  readonly sealed?: { readonly statement?: unknown; readonly signature?: unknown } | null;
}

const NAME = text(120);
const digest = matches(SHA256);
const digests: Field = (value) => Array.isArray(value) && value.every(digest);
const SEAL = { schema: exactly('reseal-import-v1'), installation: text(64), by: NAME, profiles: digests };

function claimsIn(document: unknown, subject: Subject, judges: ImportJudges): readonly Claim[] {
  const { by, signed, sealed } = (document ?? {}) as Given;
  if (!NAME(by)) return [{ by: 'somebody', lacks: 'what is kept of it names nobody' }];
  const name = by as string;
  if (signed) return signedClaims(name, signed, subject, judges);
  return [{ by: name, lacks: sealed ? whyNotSealed(name, sealed, subject, judges) : unsigned(name, judges) }];
}

/** A name alone. */
function unsigned(by: string, { authority, key }: ImportJudges): string | null {
  if (authority.assurance === 'name') return null;
  if (!isBySource(by)) return 'by name alone, which counts only where every node is simulated';
  return typeof key === 'string' ? null : 'without the seal of this installation';
}

/** Whoever is named beside the one who has signed is named all the same. */
function signedClaims(
  by: string,
  { statement: said, signature }: NonNullable<Given['signed']>,
  subject: Subject,
  judges: ImportJudges,
): readonly Claim[] {
  const read = readImport(said);
  if (read.kind === 'none' || typeof signature !== 'string') {
    const why = read.kind === 'none' ? read.reason : 'it has no signature';
    return [{ by, lacks: unsigned(by, judges) === null ? null : `what is kept is no signed statement: ${why}` }];
  }
  const { statement } = read;
  const { roster, authority, line, now } = judges;
  const person = statement.person;
  const others: readonly Claim[] = person === by ? [] : [{ by, lacks: unsigned(by, judges) }];
  const lacks = (): string | null => {
    if (authority.assurance === 'name') return null;
    if (!namesSubject(statement, subject)) return 'signed for something else';
    if (statement.line !== line) return `signed for line ${statement.line}`;
    const other = isForOther(statement, { installation: authority.installation, mode: 'production' }) ?? wasUntimely(statement, now);
    if (other !== null) return other;
    const right = IMPORT_RIGHT[statement.says];
    if (!mayDo(roster, person, right)) return `the roster does not let ${person} ${right}`;
    const unsigned = notSignedBy(person, personSignature(statement, signature, keysOf(authority, person)));
    return unsigned ?? standsNotOn(judges.adopted, { person, right, signedBy: signedWith(statement, signature) }, now);
  };
  return [{ by: person, lacks: lacks() }, ...others];
}

function notSignedBy(person: PersonId, standing: SignatureStanding): string | null {
  switch (standing.kind) {
    case 'declared':
      return null;
    case 'invalid':
      return standing.reason;
    case 'stranger':
      return `signed by ${standing.fingerprint}, which is no key of ${person} on the roster`;
  }
}

function whyNotSealed(
  by: string,
  { statement, signature }: NonNullable<Given['sealed']>,
  subject: Subject,
  judges: ImportJudges,
): string | null {
  const { authority, key } = judges;
  if (authority.assurance === 'name' || (typeof key === 'string' && isBySource(by))) return null;
  if (typeof key === 'string') return 'sealed, and by no source';
  if (faultOf(statement, SEAL) !== null || typeof signature !== 'string') return 'what is kept is no seal';
  const seal = statement as Parameters<typeof importSealSignature>[0];
  if (seal.by !== by || subject.kind !== 'profile' || !seal.profiles.includes(subject.sha256)) return 'sealed for something else';
  if (seal.installation !== authority.installation) return `sealed for the installation ${seal.installation}`;
  const standing = importSealSignature(seal, signature, [key.line]);
  return standing.kind === 'declared' ? null : 'sealed by another key than that of this installation';
}
