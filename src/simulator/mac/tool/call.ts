import { readFileSync, readSync } from 'node:fs';
import { macState, type MacState } from '../state.js';

/** One run of a program that the shell hands over to Node.js (`hand_over` in programs/mac.sh). */
export interface Call {
  readonly state: MacState;
  /** The node's clock, in seconds since 1970. */
  readonly now: number;
  readonly program: string;
  readonly args: readonly string[];
  /** Reads a line of what the program itself was given on stdin; null at its end. */
  readonly readLine: () => string | null;
  /** Everything that it was given on stdin. */
  readonly readInput: () => Uint8Array;
}

/** What a program prints and how it ends. */
export interface Answer {
  readonly stdout?: string | Uint8Array;
  readonly stderr?: string;
  readonly code: number;
}

/** The program's own stdin, which the shell keeps as this descriptor; arguments come on ours, where `ps` does not show them. */
const INPUT = 3;

export function readCall(): Call {
  const [home = '', now = '', program = '', ...args] = readFileSync(0, 'utf8').split('\n').slice(0, -1);
  return {
    state: macState(home),
    now: Number(now),
    program,
    args,
    readLine: () => readLine(INPUT),
    readInput: () => readFileSync(INPUT),
  };
}

/** Byte by byte: what follows the line belongs to somebody else. */
function readLine(descriptor: number): string | null {
  const bytes: number[] = [];
  const byte = Buffer.alloc(1);
  while (readSync(descriptor, byte, 0, 1, null) === 1) {
    if (byte[0] === 0x0a) return Buffer.from(bytes).toString('utf8');
    bytes.push(byte[0] ?? 0);
  }
  return bytes.length === 0 ? null : Buffer.from(bytes).toString('utf8');
}
