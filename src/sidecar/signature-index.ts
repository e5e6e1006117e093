import { closeSync, constants, fstatSync, fsyncSync, openSync, readSync, writeSync } from 'node:fs';

/** One signature, as auditors read it: who had what signed, with which certificate. Nothing in it is a secret. */
export interface SignatureRecord {
  /** RFC 3339, UTC. */
  readonly at: string;
  /** In the words of who asked. */
  readonly by: string;
  /** User id that the bundle belonged to: what the kernel says of who asked. */
  readonly account: number;
  readonly alias: string;
  /** SHA-1. */
  readonly certificate: string;
  /** The bundle's own name, and the piece of code in it. */
  readonly bundle: string;
  readonly path: string;
  readonly identifier: string;
  /** Null where a stand-in was left and nothing signed. */
  readonly cdHash: string | null;
  readonly signature: 'made' | 'stand-in';
}

/**
 * Appends and syncs, before a signature is given away: no signature leaves without its line. A line that a crash cut short is ended first. @throws Error of
 * the file system: then nothing may be given away
 */
export function recordSignatures(path: string, records: readonly SignatureRecord[]): void {
  const file = openSync(path, constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW, 0o640);
  try {
    const { size } = fstatSync(file);
    const last = Buffer.alloc(1);
    if (size > 0) readSync(file, last, 0, 1, size - 1);
    const torn = size > 0 && last[0] !== 0x0a;
    const text = Buffer.from(`${torn ? '\n' : ''}${records.map((record) => `${JSON.stringify(record)}\n`).join('')}`, 'utf8');
    for (let written = 0; written < text.length;) written += writeSync(file, text, written);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
