import { chmodSync, lstatSync, mkdirSync, rmSync } from 'node:fs';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { ResealError } from '../../domain/errors.js';
import { firstLine } from './line.js';
import { folderTrouble } from './trusted.js';

export interface Listening {
  /** Absolute. */
  readonly socket: string;
  /** Who listens, for sentences: `canary process`. */
  readonly name: string;
  /** Folders beside the socket in which owner and group write; made where they are missing. */
  readonly shared: readonly string[];
  /** Bytes of a request. */
  readonly most: number;
  /** A line for a line, its end included; null where what came is no line. The signal tells that nobody waits for it any more. */
  answer(line: string | null, signal: AbortSignal): Promise<string>;
}

export interface Listener {
  /** Takes no more, ends what runs, and removes the socket. */
  stop(): Promise<void>;
}

/** Requests that run side by side. */
const MOST_CONNECTIONS = 16;
/** How long a connection may take to say what it wants, in milliseconds. */
const PATIENCE = 10_000;

/**
 * Listens on a Unix socket, a request and an answer per connection. Owner and group may connect, nobody else. @throws ResealError REFUSED where the
 * folder is nobody's but everybody's, or another one listens there
 */
export async function listenOn(listening: Listening): Promise<Listener> {
  const { socket: path, name } = listening;
  const trouble = folderTrouble(path, [process.getuid?.() ?? 0]);
  if (trouble !== null)
    throw new ResealError('REFUSED', `The ${name} does not listen at ${path}: ${trouble}. Give the folder to this account (mode 0750), or name another socket.`); // prettier-ignore
  for (const folder of listening.shared) makeShared(folder, name);
  await removeLeftOver(path, name);
  const running = new Set<AbortController>();
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined).on('close', () => open.delete(socket));
    void serve(socket, listening, running);
  });
  server.maxConnections = MOST_CONNECTIONS;
  await bound(server, path, name);
  return {
    stop: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      for (const one of running) one.abort();
      for (const socket of open) socket.destroy();
      await closed;
    },
  };
}

async function serve(socket: Socket, { most, answer }: Listening, running: Set<AbortController>): Promise<void> {
  const limit = setTimeout(() => socket.destroy(), PATIENCE);
  const line = await firstLine(socket, most);
  clearTimeout(limit);
  const gone = new AbortController();
  // Who asked is gone: nobody reads what comes of it.
  socket.on('close', () => gone.abort());
  running.add(gone);
  try {
    socket.end(await answer(line, gone.signal));
  } finally {
    running.delete(gone);
  }
}

/** Owner and group write in it, nobody else looks into it, and what is made in it has its group: who asks and who listens have accounts of their own. */
function makeShared(folder: string, name: string): void {
  const there = lstatSync(folder, { throwIfNoEntry: false });
  if (there !== undefined) {
    if (there.isDirectory() && [0, process.getuid?.() ?? 0].includes(there.uid) && (there.mode & 0o002) === 0) return;
    throw new ResealError(
      'REFUSED',
      `The ${name} does not sign in ${folder}: it is no folder of this account, or everybody may write it. Move it away.`,
    );
  }
  mkdirSync(folder);
  chmodSync(folder, 0o2770);
}

/** The socket of a process that was killed is in the way of the next one; anything else is not ours to remove. */
async function removeLeftOver(path: string, name: string): Promise<void> {
  const stat = lstatSync(path, { throwIfNoEntry: false });
  if (stat === undefined) return;
  if (!stat.isSocket()) throw new ResealError('REFUSED', `The ${name} does not listen at ${path}: something else than a socket is there.`);
  if (await answers(path)) throw new ResealError('REFUSED', `Another ${name} listens at ${path}. End that one first.`);
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

function bound(server: Server, path: string, name: string): Promise<void> {
  return new Promise((resolve, reject) => {
    // Nobody but owner and group from the first moment on, not from the chmod on.
    const before = process.umask(0o007);
    server.once('error', (cause) =>
      reject(new ResealError('REFUSED', `The ${name} cannot listen at ${path}: ${cause.message}.`, { cause })),
    );
    server.listen(path, () => {
      chmodSync(path, 0o660);
      resolve();
    });
    process.umask(before);
  });
}
