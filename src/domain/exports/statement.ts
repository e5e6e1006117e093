import type { Duration, NodeName, PersonId, Sha1, Sha256 } from '../brands.js';
import { exactly, faultOf, instant, matches, orNull, SAID, SHA256, text, type Field, type Said } from '../rotation/statement.js';

/** What is asked for: which identity, out of which node, to whom. */
export interface ExportAsk {
  readonly identity: Sha1;
  /** Of its certificate, upper-case hexadecimal. */
  readonly serial: string;
  /** ISO 8601, UTC. */
  readonly certificateExpiresAt: string;
  readonly node: NodeName;
  /** Of the roster. */
  readonly receiver: string;
  /** The receiver's public age key, `age1…`. */
  readonly recipient: string;
  /** How long after it was sealed it may be fetched, in milliseconds. */
  readonly fetchWithin: Duration;
  readonly reason: string;
}

/** Everything that an approval binds: one request, and all that it asks for. */
export interface ExportBinding extends ExportAsk {
  readonly export: string;
  readonly requestedBy: PersonId;
  /** Of the request's statement, in canonical form. */
  readonly request: Sha256;
  /** Of the roster as it was when the request was taken up, in canonical form. */
  readonly roster: Sha256;
}

export type ExportRequestStatement = Said & { readonly says: 'export-request'; readonly asks: ExportAsk };
export type ExportApproval = Said & { readonly says: 'export-approve'; readonly binds: ExportBinding };

/** What a person says of a request that there is. */
export type ExportWord =
  | ExportApproval
  | (Said & { readonly says: 'export-reject'; readonly binds: ExportBinding; readonly reason: string | null })
  | (Said & { readonly says: 'export-withdraw'; readonly export: string; readonly request: Sha256 })
  | (Said & { readonly says: 'export-fetch'; readonly export: string; readonly request: Sha256; readonly sealed: Sha256 });

export type ExportStatement = ExportRequestStatement | ExportWord;

/** A statement as it was given. */
export interface Spoken<S extends ExportStatement = ExportStatement> {
  readonly statement: S;
  /** As `ssh-keygen -Y sign` writes it; null: by name alone, which counts where every node of the line is simulated. */
  readonly signature: string | null;
}

const ASK: Readonly<Record<keyof ExportAsk, Field>> = {
  identity: matches(/^[0-9a-f]{40}$/),
  serial: matches(/^[0-9A-F]{1,40}$/),
  certificateExpiresAt: instant,
  node: text(64),
  receiver: text(64),
  recipient: matches(/^age1[02-9ac-hj-np-z]{58}$/),
  fetchWithin: (value) => Number.isSafeInteger(value) && (value as number) > 0,
  // Lines of its own would be shown among those of what is signed.
  reason: text(1_000),
};
const id = matches(/^[0-9a-f]{8}-[0-9a-f]{8}$/);
const BINDS: Readonly<Record<keyof ExportBinding, Field>> = {
  ...ASK,
  export: id,
  requestedBy: text(64),
  request: matches(SHA256),
  roster: matches(SHA256),
};
const binds: Field = (value) => faultOf(value, BINDS) === null;
const OWN: Readonly<Record<ExportStatement['says'], Readonly<Record<string, Field>>>> = {
  'export-request': { asks: (value) => faultOf(value, ASK) === null },
  'export-approve': { binds },
  'export-reject': { binds, reason: orNull(text(1_000)) },
  'export-withdraw': { export: id, request: matches(SHA256) },
  'export-fetch': { export: id, request: matches(SHA256), sealed: matches(SHA256) },
};

export type ReadExportStatement =
  | { readonly kind: 'statement'; readonly statement: ExportStatement }
  /** In words that end a sentence. */
  | { readonly kind: 'none'; readonly reason: string };

/** Reads what claims to be a statement about an export. Every field is there, of its form, and no other: what is signed is all understood. */
export function readExportStatement(value: unknown): ReadExportStatement {
  const says = value !== null && typeof value === 'object' && 'says' in value ? value.says : undefined;
  if (typeof says !== 'string' || !Object.hasOwn(OWN, says)) return { kind: 'none', reason: 'it does not say what is asked for (says)' };
  const own = OWN[says as ExportStatement['says']];
  const given = value as Readonly<Record<string, unknown>>;
  const within =
    own['asks'] !== undefined ? faultOf(given['asks'], ASK) : own['binds'] !== undefined ? faultOf(given['binds'], BINDS) : null;
  const fault = within ?? faultOf(value, { ...SAID, ...own, says: exactly(says) });
  return fault === null ? { kind: 'statement', statement: value as ExportStatement } : { kind: 'none', reason: fault };
}

/** Names a request: by the identity, and the nonce of the statement that asks, so that one that is sent again is the same. */
export const exportIdOf = ({ asks, nonce }: ExportRequestStatement): string => `${asks.identity.slice(0, 8)}-${nonce.slice(0, 8)}`;

const ASKED: Readonly<Record<keyof ExportAsk, string>> = {
  identity: 'the identity',
  serial: "the certificate's serial number",
  certificateExpiresAt: "the certificate's expiry",
  node: 'the node',
  receiver: 'the receiver',
  recipient: "the receiver's key",
  fetchWithin: 'the time in which it may be fetched',
  reason: 'the reason',
};
const BOUND: Readonly<Record<keyof ExportBinding, string>> = {
  export: 'the request',
  ...ASKED,
  requestedBy: 'who asked',
  request: "the request's statement",
  roster: 'the roster',
};

/** The first thing in which two differ; null: they are the same. In words that end a sentence. */
export function asksOther(given: ExportAsk, known: ExportAsk): string | null {
  return firstOther(given, known, ASKED);
}

/** The first thing that is bound and is not what is asked; null: it binds just that. In words that end a sentence. */
export function bindsOtherExport(bound: ExportBinding, asked: ExportBinding): string | null {
  return firstOther(bound, asked, BOUND);
}

function firstOther<T extends object>(given: T, known: T, words: Readonly<Record<keyof T, string>>): string | null {
  const other = (Object.keys(words) as (keyof T)[]).find((name) => given[name] !== known[name]);
  return other === undefined ? null : `it names ${String(given[other])} for ${words[other]}, and that is ${String(known[other])}`;
}
