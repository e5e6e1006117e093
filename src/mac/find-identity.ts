import type { Sha1 } from '../domain/brands.js';

/** One row of `security find-identity`. */
export interface IdentityRow {
  /** SHA-1 of the certificate, lower-case. */
  readonly sha1: Sha1;
  readonly label: string;
  /** `CSSMERR_TP_CERT_EXPIRED`, `CSSMERR_TP_CERT_REVOKED`, `CSSMERR_TP_NOT_TRUSTED` …; a row with one is listed, and counted, and unusable all the same. */
  readonly annotation: string | null;
}

/** `"%3d) "`, 40 upper-case hex, the label in quotes (it may hold quotes itself), an annotation in parentheses (Apple's identity_find.m, printIdentity). */
const ROW = /^ *\d+\) ([0-9A-F]{40}) "(.*)"(?: \(([A-Z0-9_]+)\))?$/;

/**
 * Rows of `security find-identity -v -p codesigning`, in the order of the search list. Without `-v` it prints every identity twice; only the rows of
 * "Valid identities only" are taken then. null: this is no answer of find-identity.
 */
export function parseFindIdentity(stdout: string): readonly IdentityRow[] | null {
  const lines = stdout.split('\n');
  const valid = lines.lastIndexOf('  Valid identities only');
  const counted = lines.some((line) => /^ {5}\d+ valid identities found$/.test(line));
  if (!counted) return null;
  return lines.slice(valid + 1).flatMap((line) => {
    const [, sha1, label, annotation] = ROW.exec(line) ?? [];
    return sha1 === undefined ? [] : [{ sha1: sha1.toLowerCase() as Sha1, label: label ?? '', annotation: annotation ?? null }];
  });
}

/**
 * The rows as text that does not depend on their order, nor on what is unusable: one line per usable identity, sorted. Its digest is the
 * summary that says whether two nodes can sign with the same identities; beside it stands that of the raw output, as `shasum` prints it.
 */
export const identitySummary = (rows: readonly IdentityRow[]): string =>
  [...new Set(rows.filter((row) => row.annotation === null).map((row) => `${row.sha1}\n`))].sort().join('');
