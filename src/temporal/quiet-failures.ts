import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import { withoutSecrets } from '../domain/without-secrets.js';

/** More causes than any error of ours has; in place of failures beyond some kilobytes the server keeps one that says nothing (Temporal, "Failure exceeds size limit."). */
const MOST_CAUSES = 6;

/**
 * Takes out of an error and its causes what is a secret by its form, in place: its type and identity decide what becomes of it. A chain of causes without an
 * end is cut: the SDK follows it until its stack is full, and the worker ends.
 */
function quieten(error: unknown): void {
  const seen = new Set<Error>();
  for (let at = error; at instanceof Error; at = at.cause) {
    seen.add(at);
    if (at.cause instanceof Error && (seen.has(at.cause) || seen.size >= MOST_CAUSES)) redefine(at, 'cause', undefined);
    for (const name of ['message', 'stack'] as const) {
      const text = at[name];
      if (text === undefined) continue;
      const quiet = withoutSecrets(text);
      if (quiet !== text) redefine(at, name, quiet);
    }
  }
}

/** Some errors of the platform have properties that cannot be assigned. */
function redefine(error: Error, name: 'message' | 'stack' | 'cause', value: string | undefined): void {
  Object.defineProperty(error, name, { value, configurable: true, writable: true });
}

/**
 * Around every activity, of workers, agents and gateways: what a library or the platform says of its trouble goes to Temporal as a failure, readable there where
 * payloads are plain. reseal's own errors have left it out already.
 */
export const quietFailures: ActivityInterceptorsFactory = () => ({
  inbound: {
    execute: async (input, next) => {
      try {
        return await next(input);
      } catch (error) {
        quieten(error);
        throw error;
      }
    },
  },
});
