import type { Instant, NodeName, Sha1, Sha256 } from '../brands.js';
import type { RosterCommand } from '../roster.js';
import { faultInSaid, faultOf, list, matches, SHA256, text, untimely, type Field, type Said } from '../rotation/statement.js';

/** A copy of an identity that one node alone can open, by the SHA-256 of what is sealed. */
export interface SealedCopy {
  readonly node: NodeName;
  readonly sha256: Sha256;
}

/** What a person takes into the store of a line. */
export type Taken =
  | { readonly says: 'profile-import'; readonly profiles: readonly Sha256[] }
  | { readonly says: 'certificate-import'; readonly identity: Sha1; readonly copies: readonly SealedCopy[] }
  /** The profiles come into the store with the manifest that is made of them. */
  | { readonly says: 'manifest-freeze'; readonly manifest: Sha256; readonly profiles: readonly Sha256[] };

/** The statement by which a person stands for what they take into the store: whoever does so does not approve it. */
export type ImportStatement = Said & Taken;

/** It and its signature, as they were given. */
export interface SignedImport {
  readonly statement: ImportStatement;
  /** As `ssh-keygen -Y sign` writes it. */
  readonly signature: string;
}

/** Something in the store that somebody has taken in. */
export type Subject =
  | { readonly kind: 'profile'; readonly sha256: Sha256 }
  | { readonly kind: 'manifest'; readonly sha256: Sha256 }
  | { readonly kind: 'identity'; readonly identity: Sha1; readonly copy: SealedCopy };

const SHA1 = /^[0-9a-f]{40}$/;
/** More than one statement names of anything. */
export const MOST_NAMED = 1_000;

const copy: Field = (value) => faultOf(value, { node: text(64), sha256: matches(SHA256) }) === null;
const OWN: Readonly<Record<Taken['says'], Readonly<Record<string, Field>>>> = {
  'profile-import': { profiles: list(matches(SHA256)) },
  'certificate-import': { identity: matches(SHA1), copies: list(copy) },
  'manifest-freeze': { manifest: matches(SHA256), profiles: list(matches(SHA256)) },
};

/** The roster's right that each needs. */
export const IMPORT_RIGHT: Readonly<Record<Taken['says'], RosterCommand>> = {
  'profile-import': 'import',
  'certificate-import': 'import',
  'manifest-freeze': 'freeze',
};

export type ReadImport =
  | { readonly kind: 'import'; readonly statement: ImportStatement }
  /** In words that end a sentence. */
  | { readonly kind: 'none'; readonly reason: string };

/** Reads what claims to be one. Every field is there, of its form, and no other: what is signed is all understood. */
export function readImport(value: unknown): ReadImport {
  const fault = faultInSaid(value, OWN, 'it does not say what was taken in (says)');
  return fault === null ? { kind: 'import', statement: value as ImportStatement } : { kind: 'none', reason: fault };
}

/** Whether a statement names just this. */
export function namesSubject(statement: ImportStatement, subject: Subject): boolean {
  switch (subject.kind) {
    case 'profile':
      return statement.says !== 'certificate-import' && statement.profiles.includes(subject.sha256);
    case 'manifest':
      return statement.says === 'manifest-freeze' && statement.manifest === subject.sha256;
    case 'identity':
      return (
        statement.says === 'certificate-import' &&
        statement.identity === subject.identity &&
        statement.copies.some(({ node, sha256 }) => node === subject.copy.node && sha256 === subject.copy.sha256)
      );
  }
}

/**
 * Why the times of a statement do not count; null: they do. That it has expired since is nothing: it says what was done, and was written by the command
 * in the moment in which it was signed.
 */
export const wasUntimely = (statement: ImportStatement, now: Instant): string | null =>
  untimely(statement, Math.min(now, Date.parse(statement.issuedAt)));

/** Under what the store keeps statements about it: every one about an identity, whichever copies it names. */
export const subjectsOf = (taken: Taken): readonly (Sha1 | Sha256)[] => {
  switch (taken.says) {
    case 'profile-import':
      return taken.profiles;
    case 'certificate-import':
      return [taken.identity];
    case 'manifest-freeze':
      return [taken.manifest, ...taken.profiles];
  }
};
