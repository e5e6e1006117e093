import type { Instant, PersonId, Sha1 } from './brands.js';
import type { Manifest } from './manifest.js';
import type { RosterCommand } from './roster.js';
import { isSameSerial, serialLast6 } from './serial.js';
import { exactly, faultOf, instant, matches, NONCE, orNull, text, untimely, UNSAID, type Field } from './rotation/statement.js';

/** What every word about a revocation says of who says it, and of which certificate. It is of the whole installation: a certificate is of a team, and not of a line. */
interface SaidOfCertificate {
  readonly schemaVersion: 1;
  readonly installation: string;
  readonly person: PersonId;
  readonly ticket: string;
  /** Null: known by its serial number alone. */
  readonly certificate: Sha1 | null;
  /** The whole serial number, upper-case hexadecimal; null: known by its SHA-1 alone. One of both is there. */
  readonly serial: string | null;
  readonly reason: string;
  /** 32 hexadecimal digits of the signer's own choice. */
  readonly nonce: string;
  /** ISO 8601, UTC. */
  readonly issuedAt: string;
  readonly expiresAt: string;
}

/** The statement by which a person stands for it that Apple has revoked a certificate; or that what was recorded of it so far was a mistake. */
export type RevocationStatement =
  | (SaidOfCertificate & {
      readonly says: 'revocation-record';
      /** ISO 8601, UTC: since when it is. */
      readonly revokedAt: string;
      /** How it is known, in a person's words: `person`, `app-store-connect`, the name of a node. */
      readonly source: string;
    })
  | (SaidOfCertificate & { readonly says: 'revocation-mistake' });

/** It, as a person has given it, and as a store keeps it: nothing vouches for what is kept but the signature in it. */
export interface GivenRevocation {
  readonly statement: RevocationStatement;
  /** As `ssh-keygen -Y sign` writes it; null: by name alone. */
  readonly signature: string | null;
}

export interface KeptRevocation extends GivenRevocation {
  readonly kind: 'revocation';
  readonly schemaVersion: 1;
}

/** One word about a revocation, and whether it is known who has said it. */
export interface Revocation {
  readonly statement: RevocationStatement;
  /** Null: it is proven, or counts as it is; else why not, in words that end a sentence. */
  readonly lacks: string | null;
}

/** A certificate, by all that is known of it. */
export interface NamedCertificate {
  readonly sha1: Sha1 | null;
  /** Hexadecimal, whole; null where it is not known. */
  readonly serial: string | null;
}

/** How a certificate stands, by everything that was recorded. */
export type RevocationStanding =
  | { readonly kind: 'not-revoked' }
  /** `claimed`: somebody is said to have recorded it, and nothing proves that: it stops nothing that leads back, and people are asked. */
  | { readonly kind: 'revoked' | 'claimed'; readonly revocation: Revocation; readonly since: Instant };

/** The roster's right to say so: whoever may begin an emergency. */
export const REVOCATION_RIGHT: RosterCommand = 'start-emergency';

/** Shorter than this no serial number stands for itself, in hexadecimal digits: Apple's have 16 or 32. */
export const SHORTEST_SERIAL = 16;
const SHA1 = /^[0-9a-f]{40}$/;
const SERIAL = /^[0-9A-F]{16,40}$/;

const SAID: Readonly<Record<keyof SaidOfCertificate, Field>> = {
  schemaVersion: exactly(1),
  installation: text(64),
  person: text(64),
  ticket: text(64),
  certificate: orNull(matches(SHA1)),
  serial: orNull(matches(SERIAL)),
  reason: text(1_000),
  nonce: matches(NONCE),
  issuedAt: instant,
  expiresAt: instant,
};
const OWN: Readonly<Record<RevocationStatement['says'], Readonly<Record<string, Field>>>> = {
  'revocation-record': { revokedAt: instant, source: text(120) },
  'revocation-mistake': {},
};

export type ReadRevocation =
  | { readonly kind: 'revocation'; readonly statement: RevocationStatement }
  /** In words that end a sentence. */
  | { readonly kind: 'none'; readonly reason: string };

/** Reads what claims to be one. Every field is there, of its form, and no other: what is signed is all understood. */
export function readRevocation(value: unknown): ReadRevocation {
  const says = (value as { readonly says?: unknown } | null)?.says;
  const own = says === 'revocation-record' || says === 'revocation-mistake' ? OWN[says] : null;
  if (own === null) return { kind: 'none', reason: UNSAID };
  const fault = faultOf(value, { ...SAID, ...own, says: exactly(says) });
  if (fault !== null) return { kind: 'none', reason: fault };
  const statement = value as RevocationStatement;
  return statement.certificate === null && statement.serial === null
    ? { kind: 'none', reason: 'it names no certificate: neither its SHA-1 nor its serial number' }
    : { kind: 'revocation', statement };
}

/** Why its times do not count, now that it is written; null: they do. In words that end a sentence. */
export function datedWrong(statement: RevocationStatement, now: Instant): string | null {
  const wrong = untimely(statement, now);
  if (wrong !== null || statement.says !== 'revocation-record') return wrong;
  return Date.parse(statement.revokedAt) > Date.parse(statement.issuedAt)
    ? `it is said to be revoked at ${statement.revokedAt}, which is after it was signed`
    : null;
}

/** The same of what was written before. That it has expired since is nothing: it says what was so when it was signed. */
export const wasDatedWrong = (statement: RevocationStatement, now: Instant): string | null =>
  datedWrong(statement, Math.min(now, Date.parse(statement.issuedAt)));

/** Whether a word is about this certificate: by its SHA-1 where the word names one, for a serial number is only one issuer's. */
export function isAbout({ certificate, serial }: RevocationStatement, named: NamedCertificate): boolean {
  if (certificate !== null && named.sha1 !== null) return certificate === named.sha1;
  return serial !== null && named.serial !== null && isSameSerial(serial, named.serial);
}

const at = ({ statement }: Revocation): Instant => Date.parse(statement.issuedAt);
/** The last of them; of two of one moment the one that says revoked, for that is the careful one. */
const latest = (words: readonly Revocation[]): Revocation | undefined =>
  [...words].sort((a, b) => at(a) - at(b) || Number(a.statement.says === 'revocation-record') - Number(b.statement.says === 'revocation-record')).at(-1); // prettier-ignore

/**
 * How a certificate stands. The last word that is proven decides. What is not proven never takes a revocation away, and claims one only where it
 * is later than a proven word that there is none.
 */
export function revocationStanding(revocations: readonly Revocation[], named: NamedCertificate): RevocationStanding {
  const words = revocations.filter(({ statement }) => isAbout(statement, named));
  const decisive = latest(words.filter(({ lacks }) => lacks === null));
  if (decisive?.statement.says === 'revocation-record')
    return { kind: 'revoked', revocation: decisive, since: Date.parse(decisive.statement.revokedAt) };
  const claims = words.filter((one) => one.lacks !== null && one.statement.says === 'revocation-record');
  const claim = latest(claims.filter((one) => decisive === undefined || at(one) > at(decisive)));
  if (claim?.statement.says !== 'revocation-record') return { kind: 'not-revoked' };
  return { kind: 'claimed', revocation: claim, since: Date.parse(claim.statement.revokedAt) };
}

/** Whether a certificate is known to be revoked; what somebody merely claims is not known. */
export const isRevoked = (revocations: readonly Revocation[], named: NamedCertificate): boolean =>
  revocationStanding(revocations, named).kind === 'revoked';

/** A certificate that is revoked, or said to be. */
export interface DeadCertificate {
  readonly certificate: NamedCertificate;
  readonly standing: Exclude<RevocationStanding, { readonly kind: 'not-revoked' }>;
}

/** Those among some certificates that are revoked, or said to be; each once. */
export function revokedAmong(revocations: readonly Revocation[], certificates: readonly NamedCertificate[]): readonly DeadCertificate[] {
  if (revocations.length === 0) return [];
  const once = new Map(certificates.map((one) => [one.sha1 ?? one.serial, one]));
  return [...once.values()].flatMap((certificate) => {
    const standing = revocationStanding(revocations, certificate);
    return standing.kind === 'not-revoked' ? [] : [{ certificate, standing }];
  });
}

/** The certificates that builds sign with by these entries of a manifest. */
export const signingCertificates = (
  { certificates }: Pick<Manifest, 'certificates'>,
  entries: Manifest['profiles'],
): readonly NamedCertificate[] => entries.map(({ identity }) => ({ sha1: identity, serial: certificates[identity]?.serial ?? null }));

/** Until when the old assets can sign, where some of their certificates are revoked; what is merely claimed takes nothing from it. */
export const horizonWith = (horizon: Instant, dead: readonly DeadCertificate[]): Instant =>
  Math.min(horizon, ...dead.flatMap(({ standing }) => (standing.kind === 'revoked' ? [standing.since] : [])));

/** Which one, how it stands, and by whom that is known. In words that end a sentence. */
export function deadInWords({ certificate, standing }: DeadCertificate): string {
  const which = certificate.sha1 === null ? `serial number …${serialLast6(certificate.serial ?? '')}` : certificate.sha1.slice(0, 8);
  const { statement, lacks } = standing.revocation;
  const since = new Date(standing.since).toISOString().replace('.000Z', 'Z');
  return standing.kind === 'revoked'
    ? `certificate ${which} is revoked since ${since}, as ${statement.person} recorded under ${statement.ticket}`
    : `certificate ${which} is said to be revoked since ${since}, and nothing proves it (${statement.person}: ${lacks ?? ''})`;
}

/** How people answer a claim: one way or the other. */
export const claimCommand = ({ sha1, serial }: NamedCertificate): string =>
  `reseal revoke record ${sha1 ?? serial ?? ''} --reason TEXT --as PERSON --ticket TICKET, with --mistaken where it is not`;

/** How a revoked asset that is in force is replaced. */
export const emergencyCommand = (line: string, certificate: string): string =>
  `reseal rotation start --line ${line} --emergency --revoked ${certificate} --as PERSON --ticket TICKET`;
