import { createHash } from 'node:crypto';
import type { Sha1, Sha256 } from '../domain/brands.js';

export const sha256Of = (bytes: Uint8Array): Sha256 => createHash('sha256').update(bytes).digest('hex') as Sha256;
export const sha1Of = (bytes: Uint8Array): Sha1 => createHash('sha1').update(bytes).digest('hex') as Sha1;
