import type { Duration, Instant, LineName, NodeName, PersonId, RotationId, Sha256 } from '../brands.js';

/** `rehearsal`: expiries are compared with another date; what is said there counts nowhere else. */
export type Mode = 'production' | 'rehearsal';

/** What every statement says, beside its own. A statement is JSON in the canonical form of RFC 8785, signed as an SSH signature. */
export interface Said {
  readonly schemaVersion: 1;
  readonly installation: string;
  readonly mode: Mode;
  readonly line: LineName;
  readonly person: PersonId;
  readonly ticket: string;
  /** 32 hexadecimal digits of the signer's own choice: a statement counts once. */
  readonly nonce: string;
  /** ISO 8601, UTC. */
  readonly issuedAt: string;
  readonly expiresAt: string;
}

/** An epoch counts changes of direction: what was said of a rotation before it turned does not count after. */
interface OfRotation extends Said {
  readonly rotation: RotationId;
  readonly epoch: number;
}

/** `emergency`: before any node is changed, and instead of the others. */
export type GateKind = 'signoff' | 'retirement' | 'emergency';

/** Everything that an approval binds: a gate of one rotation, and what is let through it. */
export interface GateBinding {
  readonly gate: GateKind;
  readonly gateNonce: string;
  readonly from: Sha256;
  readonly to: Sha256;
  readonly topology: Sha256;
  readonly policy: Sha256;
  readonly cohorts: Sha256;
  /** Of what the canary has shown, in canonical form. */
  readonly canaryReport: Sha256;
  /** Of the roster as it was when the gate opened, in canonical form. */
  readonly roster: Sha256;
}

/** What a person says to a rotation. */
export type CommandStatement =
  | (OfRotation & { readonly says: 'approve'; readonly binds: GateBinding })
  | (OfRotation & { readonly says: 'reject'; readonly binds: GateBinding; readonly reason: string | null })
  | (OfRotation & { readonly says: 'withdraw' | 'pause' | 'resume' })
  | (OfRotation & { readonly says: 'cancel' | 'rollback'; readonly reason: string | null })
  | (OfRotation & { readonly says: 'answer'; readonly question: string; readonly option: string; readonly binds: GateBinding | null })
  | (OfRotation & { readonly says: 'close'; readonly as: 'partial' })
  | (OfRotation & { readonly says: 'retry'; readonly nodes: readonly NodeName[] })
  | (OfRotation & { readonly says: 'exclude'; readonly nodes: readonly NodeName[]; readonly reason: string | null });

/** What a person asks for where there is no rotation yet. */
export type StartStatement = Said & {
  readonly says: 'start';
  /** ISO 8601, UTC: the date that expiries are compared with; null: now. */
  readonly at: string | null;
  readonly successors: readonly string[];
  readonly after: string | null;
};

/** What a person asks for where a certificate was revoked: all that signs with it is replaced, forward only. */
export type EmergencyStatement = Said & {
  readonly says: 'start-emergency';
  /** Serial of the certificate: upper-case hexadecimal digits without leading zeros. */
  readonly revoked: string;
  readonly successors: readonly string[];
};

/** What asks for a rotation to begin. */
export type BeginningStatement = StartStatement | EmergencyStatement;

/** What a person asks for where a rotation's workflow has ended without an outcome. */
export type AdoptStatement = OfRotation & { readonly says: 'adopt' };

export type Statement = CommandStatement | BeginningStatement | AdoptStatement;

/** Whether it is said to a rotation that a workflow drives. */
export const isCommand = (statement: Statement): statement is CommandStatement => !begins(statement) && statement.says !== 'adopt';

/** A statement and its signature, as they were given. */
export interface Signed<S extends Statement = Statement> {
  readonly statement: S;
  /** As `ssh-keygen -Y sign` writes it. */
  readonly signature: string;
}

/** Longer than this no statement may be good for: what is signed today does not count next week. In milliseconds. */
export const LONGEST_VALIDITY: Duration = 24 * 3_600_000;
/** How far the signer's clock may be ahead of the workflow's. In milliseconds. */
export const SKEW: Duration = 5 * 60_000;

export type Field = (value: unknown) => boolean;
export const NONCE = /^[0-9a-f]{32}$/;
const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{3})?Z$/;
export const SHA256 = /^[0-9a-f]{64}$/;
export const matches =
  (pattern: RegExp): Field =>
  (value) =>
    typeof value === 'string' && pattern.test(value);
const SERIAL = /^(?!0.)[0-9A-F]{1,40}$/;
/** On one line: nothing in it steers a terminal on which it is shown. */
export const text =
  (longest: number): Field =>
  (value) =>
    typeof value === 'string' && value.length > 0 && value.length <= longest && !/[\p{Cc}\p{Surrogate}]/u.test(value);
export const orNull =
  (field: Field): Field =>
  (value) =>
    value === null || field(value);
export const list =
  (field: Field): Field =>
  (value) =>
    Array.isArray(value) && value.length <= 1_000 && value.every(field);
export const exactly =
  (...values: readonly unknown[]): Field =>
  (value) =>
    values.includes(value);
export const instant: Field = (value) => matches(ISO)(value) && !Number.isNaN(Date.parse(value as string));

const BINDS: Readonly<Record<keyof GateBinding, Field>> = {
  gate: exactly('signoff', 'retirement', 'emergency'),
  gateNonce: text(64),
  from: matches(SHA256),
  to: matches(SHA256),
  topology: matches(SHA256),
  policy: matches(SHA256),
  cohorts: matches(SHA256),
  canaryReport: matches(SHA256),
  roster: matches(SHA256),
};
const binding: Field = (value) => faultOf(value, BINDS) === null;
const reason = orNull((value) => typeof value === 'string' && value.length <= 1_000 && !/\p{Surrogate}/u.test(value));

/** The fields of every statement, whatever it says. */
export const SAID: Readonly<Record<keyof Said, Field>> = {
  schemaVersion: exactly(1),
  installation: text(64),
  mode: exactly('production', 'rehearsal'),
  line: text(64),
  person: text(64),
  ticket: text(64),
  nonce: matches(NONCE),
  issuedAt: instant,
  expiresAt: instant,
};
const ROTATION = { rotation: text(128), epoch: (value: unknown) => Number.isSafeInteger(value) };
const OWN: Readonly<Record<Statement['says'], Readonly<Record<string, Field>>>> = {
  start: { at: orNull(instant), successors: list(text(64)), after: orNull(text(128)) },
  'start-emergency': { revoked: matches(SERIAL), successors: list(text(64)) },
  adopt: ROTATION,
  approve: { ...ROTATION, binds: binding },
  reject: { ...ROTATION, binds: binding, reason },
  withdraw: ROTATION,
  pause: ROTATION,
  resume: ROTATION,
  cancel: { ...ROTATION, reason },
  rollback: { ...ROTATION, reason },
  answer: { ...ROTATION, question: text(64), option: text(64), binds: orNull(binding) },
  close: { ...ROTATION, as: exactly('partial') },
  retry: { ...ROTATION, nodes: list(text(64)) },
  exclude: { ...ROTATION, nodes: list(text(64)), reason },
};

/** The first field that is missing, is not of its form, or should not be there; null: it is as it should be. */
export function faultOf(value: unknown, fields: Readonly<Record<string, Field>>): string | null {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return 'it is no JSON object';
  const given = value as Readonly<Record<string, unknown>>;
  for (const [name, field] of Object.entries(fields)) {
    if (!Object.hasOwn(given, name)) return `it lacks ${name}`;
    if (!field(given[name])) return `its ${name} is not of the form that it should have`;
  }
  const stranger = Object.keys(given).find((name) => !Object.hasOwn(fields, name));
  return stranger === undefined ? null : `it holds ${JSON.stringify(stranger.slice(0, 60))}, which it should not`;
}

/**
 * What is wrong with what claims to be one of several statements, each with fields of its own beside `SAID`; null: every field is there, of its form, and no other.
 * What is signed is all understood.
 * @param unsaid of one that says nothing of what these say: in words that end a sentence
 */
export function faultInSaid(value: unknown, own: Readonly<Record<string, Readonly<Record<string, Field>>>>, unsaid: string): string | null {
  const says = value !== null && typeof value === 'object' && 'says' in value ? value.says : undefined;
  const fields = typeof says === 'string' && Object.hasOwn(own, says) ? own[says] : undefined;
  return fields === undefined ? unsaid : faultOf(value, { ...SAID, ...fields, says: exactly(says) });
}

/** Of most statements. */
export const UNSAID = 'it does not say what is asked for (says)';

export type ReadStatement =
  | { readonly kind: 'statement'; readonly statement: Statement }
  /** In words that end a sentence. */
  | { readonly kind: 'none'; readonly reason: string };

/** Reads what claims to be a statement. Every field is there, of its form, and no other: what is signed is all understood. */
export function readStatement(value: unknown): ReadStatement {
  const fault = faultInSaid(value, OWN, UNSAID);
  return fault === null ? { kind: 'statement', statement: value as Statement } : { kind: 'none', reason: fault };
}

/** Whether it asks for a rotation that there is not yet. */
export const begins = (statement: Statement): statement is BeginningStatement =>
  statement.says === 'start' || statement.says === 'start-emergency';

/** Whether an answer decides at a gate, and has to say what about. */
export const isDecision = (option: string | undefined): option is 'approve' | 'reject' => option === 'approve' || option === 'reject';

/** Why a statement is not for this installation, or not for this mode; null: it is. In words that end a sentence. */
export function isForOther(statement: Pick<Said, 'installation' | 'mode'>, here: Pick<Said, 'installation' | 'mode'>): string | null {
  if (statement.installation !== here.installation)
    return `it is for the installation ${statement.installation}, and this is ${here.installation}`;
  return statement.mode === here.mode ? null : `it is for a ${statement.mode}, and this is a ${here.mode}`;
}

/** Whether it lets a rotation go on to the other nodes. */
export const approves = (statement: CommandStatement): boolean =>
  statement.says === 'approve' || (statement.says === 'answer' && statement.option === 'approve');

/** Why a statement does not count at this time; null: it does. In words that end a sentence. */
export function untimely({ issuedAt, expiresAt }: Pick<Said, 'issuedAt' | 'expiresAt'>, now: Instant): string | null {
  const [issued, expires] = [Date.parse(issuedAt), Date.parse(expiresAt)];
  if (expires <= issued) return `it expires at ${expiresAt}, not after it was issued`;
  if (expires - issued > LONGEST_VALIDITY) return 'it is made to count for more than 24 h';
  if (issued > now + SKEW) return `it was issued at ${issuedAt}, which is to come; the signer's clock or this one is wrong`;
  return expires <= now
    ? `it expired at ${expiresAt}, and here it is ${new Date(now).toISOString()}; sign it again, or set the clock right`
    : null;
}

const BOUND: Readonly<Record<keyof GateBinding, string>> = {
  to: 'the manifest that is to come into force',
  from: 'the manifest in force',
  gate: 'the gate',
  gateNonce: 'the opening of the gate',
  topology: 'the frozen topology',
  policy: 'the frozen policy',
  cohorts: 'the cohort plan',
  canaryReport: 'what the canary has shown',
  roster: 'the roster',
};

/** The first thing that an approval binds and that is not what is at the gate; null: it binds just that. In words that end a sentence. */
export function bindsOther(bound: GateBinding, asked: GateBinding): string | null {
  const other = (Object.keys(BOUND) as (keyof GateBinding)[]).find((name) => bound[name] !== asked[name]);
  return other === undefined ? null : `it names ${bound[other]} for ${BOUND[other]}, and that is ${asked[other]}`;
}
