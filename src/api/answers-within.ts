import type { MiddlewareHandler } from 'hono';
import { ResealError } from '../domain/errors.js';

/** Nobody is kept waiting longer for an answer to begin; what follows, as the record of a rotation, may go on for hours. @param patience milliseconds */
export const answersWithin =
  (patience: number): MiddlewareHandler =>
  async (_context, next) => {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_resolve, reject) => {
      timer = setTimeout(() => {
        reject(new ResealError('API_UNREACHABLE', `No answer came within ${patience / 1000} s. What was asked may be done all the same: look before you ask again.`)); // prettier-ignore
      }, patience);
    });
    try {
      await Promise.race([next(), late]);
    } finally {
      clearTimeout(timer);
    }
  };
