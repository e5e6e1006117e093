import { ResealError } from '../domain/errors.js';

/**
 * SQLSTATEs of a server that goes away or is not up yet: classes 08 (connection exception), 57P (operator intervention) and 53
 * (out of connections, memory, disk); PostgreSQL manual, appendix A.
 */
const STATES = /^(?:08...|57P0.|53...)$/;
const SYSTEM = ['ECONNREFUSED', 'ECONNRESET', 'ENOTFOUND', 'EAI_AGAIN', 'ETIMEDOUT', 'EPIPE', 'EHOSTUNREACH', 'ENETUNREACH', 'ENOENT'];
/** What the `pg` client says without any code. */
const WORDS = /connection terminated|timeout expired|connection timeout|query read timeout|connection error|not queryable|PGlite is clos/i;

/** Whether a failure says that there is no database to talk to, as opposed to one that refuses a statement. */
export function isUnreachable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (SYSTEM.includes(code) || STATES.test(code) || WORDS.test(error.message)) return true;
  return error instanceof AggregateError && error.errors.some(isUnreachable);
}

/** Where the database is, for people: never with user or password. */
export type Whereabouts = string;

/** Runs a statement; a database that cannot be reached becomes DATABASE_UNREACHABLE. Nothing is retried here: that is Temporal's work. */
export async function reaching<T>(where: Whereabouts, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!isUnreachable(error)) throw error;
    const reason = error instanceof Error && error.message !== '' ? error.message : 'no connection';
    throw new ResealError(
      'DATABASE_UNREACHABLE',
      `The database (${where}) does not answer: ${reason}. Check that it runs and that reseal.yaml names it rightly.`,
      {
        cause: error,
      },
    );
  }
}
