import { generateKeyPairSync } from 'node:crypto';
import * as asn1js from 'asn1js';
import forge from 'node-forge';
import * as pkijs from 'pkijs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { childrenOf, readDer, type Der } from '../../src/mac/der.js';
import { APPLE_ROOTS, decodeProfile, verifyProfile, type PinnedRoot } from '../../src/profile/index.js';
import { judgeSignature } from '../../src/profile/signature.js';
import type { AppleHierarchy, DistributionCertificate } from '../../src/simulator/apple-hierarchy.js';
import { APPLE_PROFILES, appleProfile, asIndefiniteBer, flipped, request, trustedHierarchy } from './support.js';

let apple: AppleHierarchy;
let identity: DistributionCertificate;
let roots: readonly PinnedRoot[];
let dispose: () => void;

beforeAll(async () => {
  ({ apple, identity, roots, dispose } = await trustedHierarchy());
});
afterAll(() => dispose());

/** `valid` only where every check holds; the contents are not looked at, so that it can be asked thousands of times. */
function verdict(bytes: Uint8Array, trusted: readonly PinnedRoot[]): string {
  try {
    return judgeSignature(decodeProfile(bytes), trusted).status;
  } catch {
    return 'refused';
  }
}

const value = (tag: number, ...parts: readonly Uint8Array[]): Uint8Array => {
  const content = Buffer.concat(parts);
  const length =
    content.length < 0x80
      ? [content.length]
      : content.length < 0x100
        ? [0x81, content.length]
        : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Uint8Array.of(tag, ...length), content]);
};

type Edit = (part: Der) => readonly Uint8Array[];

/** The file with one part replaced, and every length around it put right. @param path the index of the part at each level */
function edited(bytes: Uint8Array, path: readonly number[], edit: Edit): Uint8Array {
  const inside = (part: Der, [index, ...deeper]: readonly number[]): readonly Uint8Array[] =>
    index === undefined
      ? edit(part)
      : [value(part.tag, ...childrenOf(part).flatMap((one, at) => (at === index ? inside(one, deeper) : [one.whole])))];
  return Buffer.concat(inside(readDer(bytes), path));
}

const SIGNED_DATA = [1, 0];
const ALGORITHM = [...SIGNED_DATA, 1, 0];
const CONTENT = [...SIGNED_DATA, 2, 1, 0];
const CERTIFICATES = [...SIGNED_DATA, 3];
const SIGNER = [...SIGNED_DATA, 4, 0];

const integerOf = (number: number): Uint8Array => Uint8Array.of(2, 1, number);
const NULL = Uint8Array.of(5, 0);
/** A length in one byte more than it needs. */
const longer = ({ tag, content }: Der): readonly Uint8Array[] => [
  Buffer.concat([Uint8Array.of(tag, 0x83, 0, content.length >> 8, content.length & 0xff), content]),
];
const withPart =
  (part: Uint8Array): Edit =>
  ({ tag, content }) => [value(tag, content, part)];
const withTag =
  (tag: number): Edit =>
  ({ content }) => [value(tag, content)];
const replaced =
  (...parts: readonly Uint8Array[]): Edit =>
  () =>
    parts;
/** The last attribute of a signer that says something, in a place that nothing signs. */
const unsignedAttribute = value(0xa1, value(0x30, Uint8Array.of(6, 3, 0x2a, 3, 4), value(0x31, value(4, Buffer.from('a time stamp')))));

/** Changes that leave contents, signed attributes, signature and chain as they are: only the reader can refuse them. */
const DAMAGE: readonly (readonly [string, readonly number[], Edit])[] = [
  ['a signature whose header is longer than it needs', [...SIGNER, 5], longer],
  ['a set in the place of a sequence', [...SIGNED_DATA, 2], withTag(0x31)],
  ['a sequence in the place of a set', [...SIGNED_DATA, 1], withTag(0x30)],
  ['a sequence of signers', [...SIGNED_DATA, 4], withTag(0x30)],
  ['contents that are no octet string', CONTENT, withTag(0x0c)],
  ['contents under another tag', [...SIGNED_DATA, 2, 1], withTag(0xa1)],
  ['a signature that is no octet string', [...SIGNER, 5], withTag(0x03)],
  ['a version that CMS does not know', [...SIGNED_DATA, 0], replaced(integerOf(2))],
  ['a version that its parts do not call for', [...SIGNED_DATA, 0], replaced(integerOf(3))],
  ['a version with a byte too many', [...SIGNED_DATA, 0], replaced(Uint8Array.of(2, 2, 0, 1))],
  ['a signer of a version that CMS does not know', [...SIGNER, 0], replaced(integerOf(4))],
  ['a signer whose version is not that of the file', [...SIGNER, 0], replaced(integerOf(3))],
  ['parameters of the digest algorithm', [...ALGORITHM, 1], replaced(value(4, Buffer.from('x')))],
  ['parameters twice', [...ALGORITHM, 1], replaced(NULL, NULL)],
  ['NULL with something in it', [...ALGORITHM, 1], replaced(value(5, Buffer.from('x')))],
  ['parameters of the signature algorithm', [...SIGNER, 4, 1], replaced(integerOf(1))],
  ['an object identifier with a byte too many', [...ALGORITHM, 0], ({ content }) => [value(6, Uint8Array.of(0x80), content)]],
  ['an object identifier that does not end', [...ALGORITHM, 0], ({ content }) => [value(6, content, Uint8Array.of(0x81))]],
  ['a serial number with a byte too many', [...SIGNER, 1, 1], ({ content }) => [value(2, Uint8Array.of(0), content)]],
  ['something after the serial number', [...SIGNER, 1], withPart(NULL)],
  ['something after the signer', SIGNER, withPart(NULL)],
  ['something after the contents', [...SIGNED_DATA, 2, 1], withPart(NULL)],
  ['something after the type and contents', [...SIGNED_DATA, 2], withPart(NULL)],
  ['something after the last field', SIGNED_DATA, withPart(NULL)],
  ['something beside SignedData', [1], withPart(NULL)],
  ['something after SignedData', [], withPart(NULL)],
  ['lists of revoked certificates', CERTIFICATES, ({ whole }) => [whole, value(0xa1, value(0x30))]],
  ['the certificates twice', CERTIFICATES, ({ whole }) => [whole, whole]],
  ['something else among the certificates', CERTIFICATES, withPart(value(0x31, NULL))],
  ['a certificate that is none', CERTIFICATES, withPart(value(0x30, NULL))],
  ['a certificate with something at its end', [...CERTIFICATES, 0], withPart(NULL)],
  ['a list of unsigned attributes without any', SIGNER, withPart(value(0xa1))],
  ['an unsigned attribute that is none', SIGNER, withPart(value(0xa1, value(0x30, NULL)))],
  ['unsigned attributes twice', SIGNER, withPart(Buffer.concat([unsignedAttribute, unsignedAttribute]))],
  ['signed attributes twice', [...SIGNER, 3], ({ whole }) => [whole, whole]],
];

describe('the encoding of profiles (T5)', () => {
  it('takes the file apart as pkijs does', () => {
    const files = [...APPLE_PROFILES.map(appleProfile), Uint8Array.from(apple.makeProfile(request({ certificates: [identity] })))];
    for (const bytes of files) {
      const read = decodeProfile(bytes);
      const theirs = new pkijs.SignedData({ schema: pkijs.ContentInfo.fromBER(Uint8Array.from(bytes)).content });
      const [signer] = theirs.signerInfos;
      const identifier: unknown = signer?.sid;
      if (signer === undefined || !(identifier instanceof pkijs.IssuerAndSerialNumber)) throw new Error('the fixture has no signer');
      const time = signer.signedAttrs?.attributes.find((one) => one.type === '1.2.840.113549.1.9.5')?.values[0];
      expect({ ...read, certificates: read.certificates.map(({ sha256 }) => sha256) }).toEqual({
        contentType: theirs.encapContentInfo.eContentType,
        content: new Uint8Array(theirs.encapContentInfo.eContent?.getValue() ?? new ArrayBuffer(0)),
        digestAlgorithms: theirs.digestAlgorithms.map((one) => one.algorithmId),
        certificates: (theirs.certificates ?? []).map((one) =>
          forge.md.sha256.create().update(Buffer.from(one.toSchema().toBER()).toString('latin1')).digest().toHex(),
        ),
        signers: [
          {
            certificate: {
              issuer: Buffer.from(identifier.issuer.valueBeforeDecode).toString('hex'),
              serial: Buffer.from(identifier.serialNumber.valueBlock.valueHexView).toString('hex').replace(/^00/, '').toUpperCase(),
            },
            digestAlgorithm: signer.digestAlgorithm.algorithmId,
            signatureAlgorithm: signer.signatureAlgorithm.algorithmId,
            signature: new Uint8Array(signer.signature.valueBlock.valueHexView),
            signed: {
              bytes: new Uint8Array(signer.signedAttrs?.encodedValue ?? new ArrayBuffer(0)),
              contentType: '1.2.840.113549.1.7.1',
              messageDigest: expect.any(Uint8Array),
              signingTime: time instanceof asn1js.UTCTime ? time.toDate() : null,
            },
          },
        ],
      });
    }
  });

  it.each(DAMAGE)('refuses %s, though the signature holds', (_, path, edit) => {
    const bytes = apple.makeProfile(request({ certificates: [identity] }));
    expect([...edited(bytes, path, ({ whole }) => [whole])]).toEqual([...bytes]);
    expect(verdict(bytes, roots)).toBe('valid');
    const damaged = edited(bytes, path, edit);
    expect(() => verifyProfile(damaged, { roots })).toThrow(expect.objectContaining({ code: 'NOT_A_PROFILE' }));
  });

  it('refuses the same damage in BER with indefinite lengths', () => {
    const bytes = apple.makeProfile(request({ certificates: [identity] }));
    expect(verdict(asIndefiniteBer(bytes), roots)).toBe('valid');
    for (const at of [
      [...SIGNED_DATA, 1],
      [...SIGNED_DATA, 4],
    ])
      expect(verdict(asIndefiniteBer(edited(bytes, at, withTag(0x30))), roots)).toBe('refused');
  });

  it('reads lengths of structures that BER allows as what they mean', () => {
    const bytes = Uint8Array.from(apple.makeProfile(request({ certificates: [identity] })));
    const other = edited(bytes, SIGNED_DATA, longer);
    expect(other.length).toBeGreaterThan(bytes.length);
    expect(verdict(other, roots)).toBe('valid');
  });

  it('passes over unsigned attributes, and reads the signature with none of them', () => {
    const bytes = edited(apple.makeProfile(request({ certificates: [identity] })), SIGNER, withPart(unsignedAttribute));
    expect(verdict(bytes, roots)).toBe('valid');
  });

  it('reads no file of countless values', () => {
    const countless = value(0x30, ...Array.from({ length: 20_000 }, () => NULL));
    expect(verdict(countless, roots)).toBe('refused');
    const nested = Array.from({ length: 12_000 }).reduce<Uint8Array>((inner) => (inner.length > 60_000 ? inner : value(0x30, inner)), NULL);
    expect(verdict(nested, roots)).toBe('refused');
  });

  it('counts no profile of Apple with any bit of its frame, contents or signature changed', () => {
    const bytes = Buffer.from(appleProfile('c3e20987'));
    const { certificates } = decodeProfile(bytes);
    const within = certificates.map(({ x509 }) => ({ from: bytes.indexOf(x509.raw), to: bytes.indexOf(x509.raw) + x509.raw.length }));
    const outside = [...bytes.keys()].filter((at) => !within.some(({ from, to }) => at >= from && at < to));
    const accepted = outside.flatMap((at) => {
      const mask = 1 << (at % 8);
      return verdict(flipped(bytes, at, mask), APPLE_ROOTS) === 'valid' ? [{ at, mask }] : [];
    });
    expect(outside.length).toBeGreaterThan(5_000);
    expect(accepted).toEqual([]);
  });
});

describe('certificates that were read before', () => {
  it('vouch for nothing: a changed file with a known good signer is refused, before and after it', () => {
    const bytes = apple.makeProfile(request({ certificates: [identity] }));
    const { content, signers } = decodeProfile(bytes);
    const places = [content, signers[0]?.signature ?? content, signers[0]?.signed?.messageDigest ?? content].map((region) =>
      Buffer.from(bytes).indexOf(region),
    );
    for (const at of places) {
      expect(verdict(flipped(bytes, at + 10), roots)).toBe('invalid');
      expect(verdict(bytes, roots)).toBe('valid');
      expect(verdict(flipped(bytes, at + 10), roots)).toBe('invalid');
    }
  });

  it("are told apart by their bytes: another key under the known signer's names and serial number signs nothing", () => {
    const bytes = apple.makeProfile(request({ certificates: [identity] }));
    expect(verdict(bytes, roots)).toBe('valid');
    const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const other = edited(bytes, [...CERTIFICATES, 0, 0, 6], replaced(publicKey.export({ type: 'spki', format: 'der' })));
    const [known] = decodeProfile(bytes).certificates;
    const [forged] = decodeProfile(other).certificates;
    expect([forged?.serial, forged?.issuer]).toEqual([known?.serial, known?.issuer]);
    expect(verdict(other, roots)).toBe('invalid');
  });

  it('do not carry trust from one set of roots to another', () => {
    const bytes = apple.makeProfile(request({ certificates: [identity] }));
    expect(verdict(bytes, roots)).toBe('valid');
    expect(verdict(bytes, APPLE_ROOTS)).toBe('untrusted');
    expect(verdict(bytes, roots)).toBe('valid');
  });
});
