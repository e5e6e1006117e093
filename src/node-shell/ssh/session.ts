import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { ResealError } from '../../domain/errors.js';
import { connectionFailure } from './failures.js';
import { sshArguments, type SshSettings, type SshTarget } from './settings.js';
import { AnswerReader, type Answer } from './wire.js';

/** The version of requests and answers; `reseal-node.sh` says the same. */
export const NODE_SCRIPT_PROTOCOL = 2;

interface Asked {
  /** A sign of life, which nobody waits for. */
  readonly beat: boolean;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: Error) => void;
  /** Milliseconds of silence that it may take. */
  readonly patience: number;
}

/** Between two signs of life; the node ends a session that is silent for some twenty seconds, and its locks with it. */
const BEAT = 4_000;
const MOST_STDERR = 4_000;

/**
 * One connection to a node and the shell at its other end. Requests are answered in their order, and the next may be sent before the last one is
 * answered. Once it has ended, whatever is asked of it fails as NODE_UNREACHABLE, in plain words.
 */
export class SshSession {
  private readonly asked: Asked[] = [];
  private readonly reader = new AnswerReader();
  private readonly beat: NodeJS.Timeout;
  private silence: NodeJS.Timeout | null = null;
  private failure: ResealError | null = null;
  private complaint = '';
  private lastAnswer = performance.now();
  /** What the node said of itself. */
  home = '';
  identity = '';

  private constructor(
    private readonly target: SshTarget,
    private readonly settings: SshSettings,
    private readonly child: ChildProcessByStdio<Writable, Readable, Readable>,
    private readonly onGone: () => void,
  ) {
    // First of all: without it a process that cannot be started would end this one.
    child.on('error', (error) => {
      this.end(connectionFailure(this.target, error.message));
      if (child.pid === undefined) this.onGone();
    });
    child.stdout.on('data', (chunk: Buffer) => this.hear(chunk));
    child.stderr.on('data', (chunk: Buffer) => {
      if (this.complaint.length < MOST_STDERR) this.complaint += chunk.toString('utf8');
    });
    child.stdin.on('error', () => undefined);
    child.on('exit', () => this.onGone());
    child.on('close', (code) => this.end(connectionFailure(this.target, this.complaint, code)));
    this.beat = setInterval(() => {
      if (this.asked.length === 0) void this.send(['ping'], this.settings.answerTimeout, true).catch(() => undefined);
    }, BEAT);
    this.beat.unref();
  }

  /** @param onGone called once its process has gone @throws ResealError NODE_UNREACHABLE, UNSUPPORTED_PROTOCOL */
  static async open(target: SshTarget, settings: SshSettings, onGone: () => void): Promise<SshSession> {
    const child = spawn('ssh', [...sshArguments(target, settings)], { stdio: ['pipe', 'pipe', 'pipe'] });
    const session = new SshSession(target, settings, child, onGone);
    const { end } = await session.ask(['hello'], settings.connectTimeout + 5_000);
    if (!end.ok) {
      session.close();
      throw connectionFailure(target, end.complaint);
    }
    const [protocol = '', home = '', identity = ''] = end.fields;
    if (protocol !== `${NODE_SCRIPT_PROTOCOL}`) {
      session.close();
      throw new ResealError(
        'UNSUPPORTED_PROTOCOL',
        `Node ${target.node}: its reseal-node speaks protocol ${protocol || 'unknown'}, expected ${NODE_SCRIPT_PROTOCOL}. Install the script of this version there: \`reseal node script\` prints it.`,
      );
    }
    session.home = home;
    session.identity = identity;
    return session;
  }

  get ended(): boolean {
    return this.failure !== null;
  }

  /** Milliseconds since somebody was last answered; 0 while anything is being asked. */
  get idleFor(): number {
    return this.asked.every(({ beat }) => beat) ? performance.now() - this.lastAnswer : 0;
  }

  /** @param fields encoded already @throws ResealError NODE_UNREACHABLE */
  ask(fields: readonly string[], patience = this.settings.answerTimeout): Promise<Answer> {
    return this.send(fields, patience, false);
  }

  private send(fields: readonly string[], patience: number, beat: boolean): Promise<Answer> {
    if (this.failure !== null) return Promise.reject(this.failure);
    return new Promise((resolve, reject) => {
      this.asked.push({ resolve, reject, patience, beat });
      if (this.asked.length === 1) this.watch();
      this.child.stdin.write(`${fields.join('|')}\n`);
    });
  }

  close(): void {
    this.end(new ResealError('NODE_UNREACHABLE', `Node ${this.target.node}: the connection was closed.`));
  }

  private hear(chunk: Buffer): void {
    let answers: readonly Answer[];
    try {
      answers = this.reader.take(chunk);
    } catch (error) {
      return this.end(connectionFailure(this.target, `its answer is not that of reseal-node: ${(error as Error).message}`));
    }
    for (const answer of answers) {
      const asked = this.asked.shift();
      // Nobody can tell any more which answer belongs to what.
      if (asked === undefined) return this.end(connectionFailure(this.target, 'it answered what it was not asked'));
      if (!asked.beat) this.lastAnswer = performance.now();
      asked.resolve(answer);
    }
    this.watch();
  }

  /** Gives up on a node that was asked and says nothing. */
  private watch(): void {
    if (this.silence !== null) clearTimeout(this.silence);
    this.silence = null;
    const [first] = this.asked;
    if (first === undefined || this.failure !== null) return;
    this.silence = setTimeout(
      () => this.end(connectionFailure(this.target, this.complaint || `it has not answered for ${Math.round(first.patience / 1000)} s`)),
      first.patience,
    );
  }

  private end(failure: ResealError): void {
    if (this.failure !== null) return;
    this.failure = failure;
    clearInterval(this.beat);
    this.watch();
    this.child.stdin.end();
    this.child.kill('SIGKILL');
    for (const { reject } of this.asked.splice(0)) reject(failure);
  }
}
