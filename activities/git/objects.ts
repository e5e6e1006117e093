import { spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { GitFailure, gitArguments, gitEnvironment } from './command.js';

export interface GitObject {
  readonly id: string;
  readonly type: string;
  readonly bytes: Buffer;
}

interface Waiting {
  readonly resolve: (object: GitObject | null) => void;
  readonly reject: (error: Error) => void;
}

/** How long a child that is to end may take, in milliseconds. */
const GRACE = 5_000;

/**
 * Reads objects through one long-lived `git cat-file --batch`, started with the first read and again after it died. Requests are
 * answered in order, so any number may be under way. It sees what other processes write: git looks again for every name.
 */
export class GitObjects {
  private child: ChildProcessWithoutNullStreams | null = null;
  private waiting: Waiting[] = [];
  private buffered: Buffer[] = [];
  private bufferedLength = 0;
  private errors = '';

  constructor(private readonly repository: string) {}

  /** The object that a name (`refs/heads/main:path`, an id) means now; null where there is none. @throws GitFailure */
  read(name: string): Promise<GitObject | null> {
    if (/[\n\r]/.test(name)) return Promise.reject(new GitFailure('cat-file', null, 'a name with a line break'));
    const child = this.child ?? this.start();
    return new Promise((resolve, reject) => {
      this.waiting.push({ resolve, reject });
      if (this.waiting.length === 1) keepAlive(child, true);
      child.stdin.write(`${name}\n`);
    });
  }

  /** Ends the child; a later read starts another one. A child that a disk holds up is not waited for longer than `GRACE`. */
  close(): Promise<void> {
    const child = this.child;
    if (child === null) return Promise.resolve();
    keepAlive(child, true);
    return new Promise((resolve) => {
      const late = setTimeout(() => {
        child.kill('SIGKILL');
        keepAlive(child, false);
        resolve();
      }, GRACE);
      child.once('close', () => {
        clearTimeout(late);
        resolve();
      });
      child.stdin.end();
    });
  }

  private start(): ChildProcessWithoutNullStreams {
    const child = spawn('git', gitArguments(this.repository, ['cat-file', '--batch']), { env: gitEnvironment() });
    this.child = child;
    this.errors = '';
    child.stdin.on('error', () => undefined);
    child.stderr.on('data', (chunk: Buffer) => (this.errors += chunk.toString('utf8')));
    child.stdout.on('data', (chunk: Buffer) => {
      this.buffered.push(chunk);
      this.bufferedLength += chunk.length;
      this.answer();
    });
    child.on('error', (error: NodeJS.ErrnoException) => {
      this.end(child, error.code === 'ENOENT' ? 'git is not installed, or not on PATH' : error.message, null);
    });
    child.on('close', (status) => {
      this.end(child, this.errors, status);
    });
    keepAlive(child, false);
    return child;
  }

  private end(child: ChildProcessWithoutNullStreams, said: string, status: number | null): void {
    if (this.child !== child) return;
    const waiting = this.waiting;
    this.child = null;
    this.waiting = [];
    this.buffered = [];
    this.bufferedLength = 0;
    for (const one of waiting) one.reject(new GitFailure('cat-file', status, said));
  }

  /** Answers as many requests as the bytes at hand allow: `<id> <type> <size>\n<bytes>\n`, or `<name> missing\n`. */
  private answer(): void {
    for (;;) {
      if (this.waiting.length === 0) return;
      const all = this.buffered.length === 1 ? this.buffered[0] : Buffer.concat(this.buffered, this.bufferedLength);
      if (all === undefined) return;
      this.buffered = [all];
      const newline = all.indexOf(10);
      if (newline < 0) return;
      const header = all.toString('utf8', 0, newline);
      const found = /^([0-9a-f]+) (\w+) (\d+)$/.exec(header);
      if (found === null) {
        this.take(all, newline + 1);
        this.answerFirst(null);
        continue;
      }
      const [, id = '', type = '', size = '0'] = found;
      const end = newline + 1 + Number(size);
      if (all.length < end + 1) return;
      // Copied, so that a cached object does not keep a whole pipe buffer alive.
      const bytes = Buffer.from(all.subarray(newline + 1, end));
      this.take(all, end + 1);
      this.answerFirst({ id, type, bytes });
    }
  }

  private answerFirst(object: GitObject | null): void {
    this.waiting.shift()?.resolve(object);
    if (this.waiting.length === 0 && this.child !== null) keepAlive(this.child, false);
  }

  private take(all: Buffer, length: number): void {
    const rest = all.subarray(length);
    this.buffered = rest.length === 0 ? [] : [rest];
    this.bufferedLength = rest.length;
  }
}

/** A reader keeps this process alive while a request is under way, and not beyond. */
function keepAlive(child: ChildProcessWithoutNullStreams, needed: boolean): void {
  for (const one of [child, child.stdin, child.stdout, child.stderr] as unknown as readonly { ref?: () => void; unref?: () => void }[]) {
    if (needed) one.ref?.();
    else one.unref?.();
  }
}

/** Names of the entries of a tree object: `<mode> <name>\0<id>`, the id as long as the repository's hash. */
export function treeNames(tree: GitObject): readonly string[] {
  const names: string[] = [];
  const idLength = tree.id.length / 2;
  let position = 0;
  while (position < tree.bytes.length) {
    const space = tree.bytes.indexOf(32, position);
    const end = tree.bytes.indexOf(0, space);
    names.push(tree.bytes.toString('utf8', space + 1, end));
    position = end + 1 + idLength;
  }
  return names;
}
