import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Sha1 } from '../../src/domain/brands.js';
import { readMachO } from '../../src/mac/code-signature.js';
import { iPhoneExecutable } from '../../src/mac/stub-executable.js';
import { signedCodes } from '../../src/sidecar/signed-codes.js';

const FIRST_COMMAND_LENGTH = 36;

/** An executable of which four bytes say something else. */
function executable(at: number, value: number): Buffer {
  const bytes = Buffer.from(iPhoneExecutable());
  bytes.writeUInt32LE(value >>> 0, at);
  return bytes;
}

describe('a Mach-O file that lies', () => {
  it.each([0, 1, 7])('about the length of a load command (%d bytes) is refused at once, not read for ever', (length) => {
    expect(() => readMachO(executable(FIRST_COMMAND_LENGTH, length))).toThrow(/a load command at byte 32 that says it is \d bytes long/);
  });

  it('about the number of its load commands ends at the end of the file', () => {
    expect(() => readMachO(executable(16, 0xffffffff))).toThrow(RangeError);
  });

  it('about anything is read, or refused with a RangeError, within moments', () => {
    const original = Buffer.from(iPhoneExecutable());
    const changes = fc.array(fc.tuple(fc.nat(Math.min(original.length, 4096) - 1), fc.nat(255)), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(changes, (bytes) => {
        const file = Buffer.from(original);
        for (const [at, value] of bytes) file[at] = value;
        try {
          readMachO(file);
        } catch (error) {
          expect(error).toBeInstanceOf(RangeError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('a sidecar that is given one', () => {
  let bundle: string;
  beforeEach(() => {
    bundle = mkdtempSync(join(tmpdir(), 'reseal-mach-o-'));
  });
  afterEach(() => rmSync(bundle, { recursive: true, force: true }));

  it('says which file of the bundle cannot be read, and signs nothing off', () => {
    writeFileSync(join(bundle, 'Courier'), executable(FIRST_COMMAND_LENGTH, 0));
    expect(signedCodes(bundle, 'a'.repeat(40) as Sha1)).toMatch(/^Courier is no Mach-O file that can be read: a load command at byte 32/);
  });
});
