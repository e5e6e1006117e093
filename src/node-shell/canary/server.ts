import { chmodSync, lstatSync, mkdirSync, realpathSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { ResealError } from '../../domain/errors.js';
import { runProgram } from '../local-command.js';
import { macEnvironment } from '../place.js';
import { refusalOf } from './requests.js';
import { folderTrouble } from './trusted.js';
import { answerLine, firstLine, MOST_REQUEST, parseRequest, type CanaryAnswer } from './wire.js';

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

export interface RunningCanary {
  /** Takes no more, ends what runs, and removes the socket. */
  stop(): Promise<void>;
}

/** Requests that run side by side; one agent asks, and asks for few things at once. */
const MOST_CONNECTIONS = 16;
/** How long a connection may take to say what it wants, in milliseconds. */
const PATIENCE = 10_000;

/**
 * Listens for the agent of this Mac. Owner and group may connect, nobody else. @throws ResealError REFUSED where the folder is nobody's but everybody's,
 * or another one listens there
 */
export async function startCanary(options: CanaryOptions): Promise<RunningCanary> {
  const trouble = folderTrouble(options.socket, [process.getuid?.() ?? 0]);
  if (trouble !== null)
    throw new ResealError('REFUSED', `The canary process does not listen at ${options.socket}: ${trouble}. Give the folder to this account (mode 0750), or name another --socket.`); // prettier-ignore
  for (const folder of options.bundles) makeShared(folder);
  await removeLeftOver(options.socket);
  const running = new Set<AbortController>();
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    void serve(socket, options, running);
  });
  server.maxConnections = MOST_CONNECTIONS;
  await listening(server, options.socket);
  return {
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const one of running) one.abort();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

async function serve(socket: Socket, options: CanaryOptions, running: Set<AbortController>): Promise<void> {
  const limit = setTimeout(() => socket.destroy(), PATIENCE);
  const line = await firstLine(socket, MOST_REQUEST);
  clearTimeout(limit);
  const gone = new AbortController();
  // Who asked is gone: nobody reads what comes of it.
  socket.on('close', () => gone.abort());
  running.add(gone);
  try {
    const answer = line === null ? { refused: 'what came is no request' } : await answerTo(line, options, gone.signal);
    socket.end(answerLine(answer));
  } finally {
    running.delete(gone);
  }
}

async function answerTo(line: string, { bundles, home, path }: CanaryOptions, signal: AbortSignal): Promise<CanaryAnswer> {
  const request = parseRequest(line);
  if (request === null) return { refused: 'what came is no request of protocol 1' };
  const refused = refusalOf(request, bundles);
  if (refused !== null) return { refused };
  const outside = leadsOut(request.args, bundles);
  if (outside !== null) return { refused: outside };
  return runProgram(request.program, request, { cwd: home, env: macEnvironment(home, path), signal });
}

/** Owner and group write in it, nobody else looks into it, and what is made in it has its group: agent and builds have accounts of their own. */
function makeShared(folder: string): void {
  const there = lstatSync(folder, { throwIfNoEntry: false });
  if (there !== undefined) {
    if (there.isDirectory() && [0, process.getuid?.() ?? 0].includes(there.uid) && (there.mode & 0o002) === 0) return;
    throw new ResealError(
      'REFUSED',
      `The canary process does not sign in ${folder}: it is no folder of this account, or everybody may write it. Move it away.`,
    );
  }
  mkdirSync(folder);
  chmodSync(folder, 0o2770);
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

/** The socket of a process that was killed is in the way of the next one; anything else is not ours to remove. */
async function removeLeftOver(path: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket())
    throw new ResealError('REFUSED', `The canary process does not listen at ${path}: something else than a socket is there.`);
  if (await answers(path)) throw new ResealError('REFUSED', `Another canary process listens at ${path}. End that one first.`);
  rmSync(path, { force: true });
}

function answers(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const probe = connect(path);
    const end = (there: boolean): void => {
      probe.destroy();
      resolve(there);
    };
    probe.on('connect', () => end(true));
    probe.on('error', () => end(false));
  });
}

function listening(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // Nobody but owner and group from the first moment on, not from the chmod on.
    const before = process.umask(0o007);
    server.once('error', (cause) =>
      reject(new ResealError('REFUSED', `The canary process cannot listen at ${path}: ${cause.message}.`, { cause })),
    );
    server.listen(path, () => {
      chmodSync(path, 0o660);
      resolve();
    });
    process.umask(before);
  });
}
