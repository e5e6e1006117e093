import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

/** A token nobody guesses. */
export const newToken = (): string => randomBytes(32).toString('base64url');

/** Whether two secrets are one, in a time that tells nothing of how alike they are. */
export const sameText = (a: string, b: string): boolean =>
  timingSafeEqual(createHash('sha256').update(a).digest(), createHash('sha256').update(b).digest());
