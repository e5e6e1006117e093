import { createHash } from 'node:crypto';
import type { Sha1, Sha256 } from '../domain/brands.js';

/** Lower-case hexadecimal SHA-256. */
export const sha256Hex = (bytes: Uint8Array): Sha256 => createHash('sha256').update(bytes).digest('hex') as Sha256;

/** Lower-case hexadecimal SHA-1: how Apple's tools name a certificate. */
export const sha1Hex = (bytes: Uint8Array): Sha1 => createHash('sha1').update(bytes).digest('hex') as Sha1;

/** ISO 8601, UTC, whole seconds. */
export const isoSeconds = (date: Date): string => date.toISOString().replace(/\.\d{3}Z$/, 'Z');
