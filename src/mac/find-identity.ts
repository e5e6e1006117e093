import type { Sha1 } from '../domain/brands.js';
import { summaryText } from '../domain/node/identities.js';

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

/** Both parts of what `security find-identity -p codesigning` prints. */
export interface ListedIdentities {
  /** Every identity for code signing, whatever is wrong with it: expired ones and those of an issuer that is missing are only here. */
  readonly matching: readonly IdentityRow[];
  /** What macOS takes for valid; a row with an annotation is not. */
  readonly valid: readonly IdentityRow[];
  /** The part about valid ones, to the byte what `-v` prints alone. */
  readonly rawValid: string;
}

const VALID_ONLY = '  Valid identities only\n';

/** The output of `security find-identity -p codesigning`, in the order of the search list. null: this is no answer of it. */
export function parseFindIdentity(stdout: string): ListedIdentities | null {
  const at = stdout.indexOf(VALID_ONLY);
  const rawValid = stdout.slice(at + VALID_ONLY.length);
  if (at < 0 || !/(?:^|\n) {5}\d+ valid identities found\n$/.test(rawValid)) return null;
  return { matching: rowsOf(stdout.slice(0, at)), valid: rowsOf(rawValid), rawValid };
}

/** What `security -i` prints of several `find-identity -p codesigning`, one after the other. null: one of them is no answer. */
export function parseFindIdentities(stdout: string): readonly ListedIdentities[] | null {
  const answers = stdout.split(/(?<=^ {5}\d+ valid identities found\n)/m).map(parseFindIdentity);
  const read = answers.filter((answer) => answer !== null);
  return read.length === answers.length ? read : null;
}

const rowsOf = (text: string): readonly IdentityRow[] =>
  text.split('\n').flatMap((line) => {
    const [, sha1, label, annotation] = ROW.exec(line) ?? [];
    return sha1 === undefined ? [] : [{ sha1: sha1.toLowerCase() as Sha1, label: label ?? '', annotation: annotation ?? null }];
  });

/**
 * The rows as text that does not depend on their order, nor on what is unusable: one line per usable identity, sorted. Its digest is the
 * summary that says whether two nodes can sign with the same identities; beside it stands that of the bytes that `-v` prints.
 */
export const identitySummary = (rows: readonly IdentityRow[]): string =>
  summaryText(rows.filter((row) => row.annotation === null).map((row) => row.sha1));
