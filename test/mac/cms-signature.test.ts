import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readCmsSignature } from '../../src/mac/cms-signature.js';

const CONTENT = Buffer.from('a code directory');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-cms-'));
  openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', 'key.pem', '-out', 'certificate.pem', '-days', '2', '-subj', '/CN=Apple Distribution: Acme (A1B2C3D4E5)'); // prettier-ignore
  writeFileSync(join(folder, 'content'), CONTENT);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const openssl = (...args: string[]): Buffer => execFileSync('openssl', args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });

/** Detached, as codesign's are. */
function signed(...how: string[]): Buffer {
  openssl('cms', '-sign', '-binary', '-md', 'sha256', '-signer', 'certificate.pem', '-inkey', 'key.pem', '-in', 'content', '-outform', 'DER', '-nosmimecap', '-out', 'signature', ...how); // prettier-ignore
  return readFileSync(join(folder, 'signature'));
}

describe('the CMS signature of a code directory', () => {
  it.each([
    ['DER, as rcodesign writes it', [], [0x30, 0x82]],
    ['BER with indefinite lengths, as codesign writes it', ['-stream'], [0x30, 0x80]],
  ])('is read and verified in %s', (_, how, beginning) => {
    const bytes = signed(...how);
    expect([...bytes.subarray(0, 2)]).toEqual(beginning);
    const { chain, signingTime, isOf } = readCmsSignature(bytes);
    expect(chain.map((one) => one.subject)).toEqual(['CN=Apple Distribution: Acme (A1B2C3D4E5)']);
    expect(Math.abs(Date.now() - (signingTime?.getTime() ?? 0))).toBeLessThan(600_000);
    expect(isOf(CONTENT)).toBe(true);
    expect(isOf(Buffer.from('another code directory'))).toBe(false);
  });

  it.each([[[]], [['-stream']]])('cut short or with something after it is no signature (openssl cms %j)', (how) => {
    const bytes = signed(...how);
    expect(() => readCmsSignature(bytes.subarray(0, -3))).toThrow();
    expect(() => readCmsSignature(Buffer.concat([bytes, Buffer.from('more')]))).toThrow();
  });
});
