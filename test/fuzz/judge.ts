import { format } from 'node:util';
import { ResealError } from '../../src/domain/errors.js';
import type { Target } from './target.js';

/** Longest that one case may take, in milliseconds: a hundred times what the slowest valid seed takes. */
export const TIME_LIMIT = 2_000;

/** Words of the engine: an error that holds them was met by accident, whatever its class. */
const ACCIDENT =
  /Maximum call stack|Cannot (?:read|set|destructure|convert|mix)|is not (?:a function|iterable|a constructor)|Invalid (?:array|string|typed array) length|undefined \(|out of memory|Assertion failed/;

/** Null: a value, or an error that the target documents. Else what went wrong, in words. */
export function judge(target: Target, input: Uint8Array, timeLimit = TIME_LIMIT): string | null {
  const first = once(target, input, timeLimit);
  // The machine may have been busy with something else: what is slow is slow twice.
  return first !== null && 'slow' in first ? (once(target, input, timeLimit)?.what ?? null) : (first?.what ?? null);
}

type Fault = { readonly what: string } | { readonly what: string; readonly slow: true };

function once(target: Target, input: Uint8Array, timeLimit: number): Fault | null {
  const said: string[] = [];
  const restore = silenced((line) => said.push(line));
  const [began, used] = [performance.now(), process.cpuUsage()];
  let fault: string | null = null;
  try {
    target.run(input);
  } catch (error) {
    fault = faultOf(target, error);
  } finally {
    restore();
  }
  if (fault !== null) return { what: fault };
  if (said.length > 0) return { what: `it printed ${JSON.stringify(said[0]?.slice(0, 200))}` };
  // Of both the lesser: a machine at work takes time that is not the case's, other threads take a processor's.
  const { user, system } = process.cpuUsage(used);
  const took = Math.min(performance.now() - began, (user + system) / 1_000);
  return took > timeLimit ? { what: `it took ${(took / 1000).toFixed(2)} s`, slow: true } : null;
}

function faultOf(target: Target, error: unknown): string | null {
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  if (ACCIDENT.test(text)) return `an accident: ${error instanceof Error ? (error.stack ?? text) : text}`;
  if (error instanceof ResealError || target.mayThrow?.(error) === true) return null;
  return `an error that is not documented: ${error instanceof Error ? (error.stack ?? text) : text}`;
}

/** What libraries print to the console says that they went on where they should have refused; it would be in the logs of a service. */
function silenced(heard: (line: string) => void): () => void {
  const names = ['error', 'warn', 'log', 'info', 'debug'] as const;
  const before = names.map((name) => [name, console[name]] as const);
  for (const name of names) console[name] = (...words: unknown[]) => heard(format(...words));
  return () => {
    for (const [name, method] of before) console[name] = method;
  };
}
