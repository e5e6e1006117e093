import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { dueByRevocation } from '../../src/domain/groups.js';
import type { Manifest } from '../../src/domain/manifest.js';
import { isNamed, revokedIn, type RevokedCertificate } from '../../src/domain/revoked-certificate.js';
import { isSameSerial, readSerial } from '../../src/domain/serial.js';
import { fits } from '../../src/domain/successor.js';
import { candidate, certificate, entryOf, manifest, profile, terms } from './successor-support.js';

const OLD = certificate('a', { serial: '05AFFE0011223344' });
const OTHER = certificate('b', { serial: '6B00C0FFEE223344' });
const courier = entryOf(profile('1', { certificates: [OLD] }));
const depot = entryOf(profile('2', { certificates: [OTHER], appId: '9QK4T7XW2B.com.acme.depot', bundleId: 'com.acme.depot' }), {
  app: 'depot',
});
const named = (one: typeof OLD): Manifest['certificates'][never] => ({
  commonName: one.commonName,
  team: courier.team,
  serial: one.serial,
  expiresAt: one.notAfter,
});
const FROM: Manifest = { ...manifest([courier, depot]), certificates: { [OLD.sha1]: named(OLD), [OTHER.sha1]: named(OTHER) } };
const found = (text: string): RevokedCertificate => revokedIn(FROM, text) as RevokedCertificate;
const reason = (text: string): string => (revokedIn(FROM, text) as { readonly reason: string }).reason;

describe('a serial number', () => {
  it('is one, however a tool prints it', () => {
    for (const text of ['05AFFE0011223344', '5affe0011223344', '0x05affe0011223344', '05:AF:FE:00:11:22:33:44', ' 05 af fe 00 11 22 33 44'])
      expect(readSerial(text)).toBe('5AFFE0011223344');
    for (const text of ['', '0x', 'serial', '12G', 'f'.repeat(41)]) expect(readSerial(text)).toBeNull();
  });

  it('is the same as itself alone, but for leading zeros and case', () => {
    fc.assert(
      fc.property(
        fc.bigInt({ min: 0n, max: (1n << 160n) - 1n }),
        fc.bigInt({ min: 0n, max: (1n << 160n) - 1n }),
        fc.nat(3),
        (a, b, zeros) => {
          expect(isSameSerial(a.toString(16), `${'0'.repeat(zeros)}${b.toString(16).toUpperCase()}`)).toBe(a === b);
        },
      ),
    );
  });
});

describe('what is named as revoked (R11)', () => {
  it.each([OLD.sha1, OLD.serial, OLD.serial.toLowerCase().slice(1), '05:AF:FE:00:11:22:33:44', '11223344'])('is found by %s', (text) => {
    expect(found(text)).toEqual({ certificate: OLD.sha1, serial: '5AFFE0011223344', name: OLD.commonName });
    expect(isNamed(found(text), text)).toBe(true);
    expect(isNamed({ certificate: OTHER.sha1, serial: 'C0FFEE' }, text)).toBe(false);
  });

  it('is nothing where no entry signs with it, where two fit, and where it is too short to name anything', () => {
    expect(reason('C0FFEE')).toMatch(/^nothing on .* signs with a certificate of serial …C0FFEE; it signs with …223344 .* …223344/);
    expect(reason('223344')).toBe(`2 certificates fit it: ${OLD.sha1}, ${OTHER.sha1}; name one by its SHA-1`);
    expect(reason('3344')).toContain('at least its last 6');
    expect(reason('c'.repeat(40))).toContain('nothing on');
  });

  it('makes due exactly what signs with it, long before its calendar would', () => {
    expect(dueByRevocation(FROM, OLD.serial.toLowerCase())).toMatchObject({ entries: [courier], dyingCertificates: [OLD.sha1] });
    expect(dueByRevocation(FROM, 'C0FFEE')).toMatchObject({ entries: [], expiresFirst: null });
  });

  it('is embedded in no successor', () => {
    const both = candidate(profile('3', { certificates: [OTHER, OLD] }));
    expect(fits(courier, both, FROM, { ...terms(), revoked: [OLD.serial] })).toEqual({
      fits: false,
      reasons: [`it embeds the certificate of serial …${OLD.serial.slice(-6)} ("${OLD.commonName}"), which is revoked`],
    });
    expect(fits(courier, candidate(profile('3', { certificates: [OTHER] })), FROM, { ...terms(), revoked: [OLD.serial] })).toEqual({
      fits: true,
    });
  });
});
