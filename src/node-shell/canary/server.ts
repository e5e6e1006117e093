import { lstatSync, realpathSync } from 'node:fs';
import { dirname } from 'node:path';
import { runProgram } from '../local-command.js';
import { macEnvironment } from '../place.js';
import { listenOn, type Listener } from '../socket/listen.js';
import { refusalOf, wordsIn } from './requests.js';
import { answerLine, MOST_REQUEST, parseRequest, type CanaryAnswer } from './wire.js';

export interface CanaryOptions {
  /** Absolute. */
  readonly socket: string;
  /** Absolute: folders in which canary bundles lie. */
  readonly bundles: readonly string[];
  /** Of the account that builds. */
  readonly home: string;
  /** Where programs are looked for. */
  readonly path: string | undefined;
}

export type RunningCanary = Listener;

/**
 * Listens for the agent of this Mac. @throws ResealError REFUSED where the folder is nobody's but everybody's, or another one listens there
 */
export function startCanary(options: CanaryOptions): Promise<RunningCanary> {
  return listenOn({
    socket: options.socket,
    name: 'canary process',
    shared: options.bundles,
    most: MOST_REQUEST,
    answer: async (line, signal) =>
      answerLine(line === null ? { refused: 'what came is no request' } : await answerTo(line, options, signal)),
  });
}

async function answerTo(line: string, { bundles, home, path }: CanaryOptions, signal: AbortSignal): Promise<CanaryAnswer> {
  const request = parseRequest(line);
  if (request === null) return { refused: 'what came is no request of protocol 1' };
  const refused = refusalOf(request, bundles);
  if (refused !== null) return { refused };
  const outside = leadsOut(wordsIn(request), bundles);
  if (outside !== null) return { refused: outside };
  return runProgram(request.program, request, { cwd: home, env: macEnvironment(home, path), signal });
}

/** A path below the bundles by its name that is somewhere else by its links; null where there is none. */
function leadsOut(args: readonly string[], bundles: readonly string[]): string | null {
  for (const folder of bundles) {
    const real = realpathSync(folder);
    for (const path of args.filter((one) => one.startsWith(`${folder}/`))) {
      const there = realOf(path);
      if (there !== real && !there.startsWith(`${real}/`)) return 'a path below its folder leads out of it by a link';
    }
  }
  return null;
}

/** What is there of a path, without links; what is made anew is judged by where. */
const realOf = (path: string): string =>
  lstatSync(path, { throwIfNoEntry: false }) === undefined ? realOf(dirname(path)) : realpathSync(path);
