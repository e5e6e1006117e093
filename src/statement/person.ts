import { createHash } from 'node:crypto';
import type { RosterAdoption } from '../domain/adopted-rosters.js';
import type { Sha256 } from '../domain/brands.js';
import type { ExportStatement } from '../domain/exports/statement.js';
import type { ImportStatement } from '../domain/imports/statement.js';
import type { Mandate } from '../domain/mandate.js';
import type { RevocationStatement } from '../domain/revocations.js';
import type { Statement } from '../domain/rotation/statement.js';
import type { ScheduleMandate } from '../domain/schedule-mandate.js';
import type { SignatureStanding } from '../domain/signing/standing.js';
import { canonicalBytes } from './canonical.js';
import { signObject, standingOf } from './standing.js';

/** What people's signatures are made for: they count for nothing else. Starting and stopping a rotation is signed in it as well as approving. */
export const STATEMENT_NAMESPACE = 'reseal-approval-v1';

/** All that a person signs. */
export type PersonStatement =
  Statement | ExportStatement | Mandate | ImportStatement | RosterAdoption | ScheduleMandate | RevocationStatement;

/** @throws ResealError FILE_UNREADABLE, TOOL_MISSING */
export const signStatement = (statement: PersonStatement, key: string, env: NodeJS.ProcessEnv): Promise<string> =>
  signObject(statement, STATEMENT_NAMESPACE, key, env);

/** Whose signature a statement has, among a person's keys. */
export const personSignature = (statement: PersonStatement, signature: string, keys: readonly string[]): SignatureStanding =>
  standingOf(statement, signature, STATEMENT_NAMESPACE, keys);

/** Whether a person signed it with this public key. */
export const signedWith =
  (statement: PersonStatement, signature: string) =>
  (publicKey: string): boolean =>
    personSignature(statement, signature, [publicKey]).kind === 'declared';

/** SHA-256 of an object's canonical form. */
export const canonicalDigest = (object: object): Sha256 => createHash('sha256').update(canonicalBytes(object)).digest('hex') as Sha256;
