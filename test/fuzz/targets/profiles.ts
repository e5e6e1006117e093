import { createHash } from 'node:crypto';
import { readCmsSignature } from '../../../src/mac/cms-signature.js';
import { inspectProfile, pinRoots, verifyProfile, APPLE_ROOTS } from '../../../src/profile/index.js';
import { dictionary, plainEntitlements } from '../../../src/artifact/property-list.js';
import { own, ownText, shared } from '../corpus.js';
import { bytesOf, tokens, type Target } from '../target.js';

const ROOTS = [...APPLE_ROOTS, ...pinRoots([ownText('root.pem')])];
const ASN1 = tokens(
  ...[
    [0x30, 0x80], [0x24, 0x80], [0xa0, 0x80], [0x00, 0x00], [0x30, 0x82, 0x01, 0x00], [0x30, 0x84, 0xff, 0xff, 0xff, 0xff],
    [0x1f, 0x81, 0x80, 0x01], [0x03, 0x01, 0x09], [0x02, 0x00], [0x06, 0x01, 0x80], [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, 0x02],
    [0x09, 0x03, 0x80, 0xff, 0xff], [0x17, 0x0d, 0x39, 0x39, 0x39, 0x39, 0x39, 0x39, 0x39, 0x39, 0x39, 0x39, 0x39, 0x39, 0x5a],
  ].map((bytes) => Uint8Array.from(bytes)),
  '20260230250000Z',
); // prettier-ignore

/** A value of DER. */
function der(tag: number, ...parts: readonly Uint8Array[]): Uint8Array {
  const content = Buffer.concat(parts);
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(content.length);
  const significant = bytes.subarray(bytes.findIndex((byte) => byte !== 0));
  const header = content.length < 0x80 ? [tag, content.length] : [tag, 0x80 | significant.length, ...significant];
  return Buffer.concat([Uint8Array.from(header), content]);
}
const oid = (last: number): Uint8Array => der(0x06, Uint8Array.of(0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07, last));

/** A CMS file that nobody has signed, with any contents: what is inside is read, as it is of one whose signature does not hold. */
function unsigned(content: Uint8Array): Uint8Array {
  const encapsulated = der(0x30, oid(1), der(0xa0, der(0x04, content)));
  return der(0x30, oid(2), der(0xa0, der(0x30, der(0x02, Uint8Array.of(1)), der(0x31), encapsulated, der(0x31))));
}

function contentOf(profile: Uint8Array): Uint8Array {
  const text = Buffer.from(profile).toString('latin1');
  const [begin, end] = [text.indexOf('<?xml'), text.lastIndexOf('</plist>')];
  return profile.subarray(begin, end + '</plist>'.length);
}

const PROFILES = [own('der.mobileprovision'), own('ber.mobileprovision'), ...shared('apple-profiles', '.mobileprovision')];
const PLISTS = [
  contentOf(own('der.mobileprovision')),
  bytesOf(ownText('small.plist')),
  ...shared('apple-profiles', '.mobileprovision').slice(0, 1).map(contentOf),
];
const XML = tokens(
  ...['<array>', '</array>', '<dict>', '</dict>', '<dict><key>a</key>', '<key>', '</key>', '<key>__proto__</key>', '<key>UUID</key>', '<key/>', '<string/>'],
  ...['<string>', '</string>', '<data>', '</data>', '<date>', '<date>9999-99-99T00:00:00Z</date>', '<integer>', '<real>nan</real>', '<true/>', '<null/>'],
  ...['<!DOCTYPE plist [<!ENTITY a "aaaaaaaaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>', '&b;', '&a;', '&', '&#0;', '&#x110000;', '&amp;', '&lt;'],
  ...['<!ENTITY % x SYSTEM "file:///etc/passwd">', '<!--', '-->', '<![CDATA[', ']]>', '<?xml version="1.0"?>', '<plist>', '</plist>', '<', '>', '"', '\0', '\ud7ff'],
  ...[Uint8Array.of(0xff, 0xfe), Uint8Array.of(0xed, 0xa0, 0x80), bytesOf('bplist00')],
); // prettier-ignore

/** An error that says what is wrong with a structure. */
const isPlainError = (error: unknown): boolean => error instanceof Error && error.constructor === Error;

export const profile: Target = {
  name: 'profile',
  seeds: PROFILES,
  tokens: [...ASN1, ...XML.slice(0, 6)],
  run: (input) => {
    // Both do the same up to the verdict, and most of the time of a case goes into that.
    const { signature } = inspectProfile(input, { roots: ROOTS });
    if (signature.status === 'valid') verifyProfile(input, { roots: ROOTS });
  },
};

export const profileContents: Target = {
  name: 'profile-contents',
  seeds: PLISTS,
  tokens: XML,
  run: (input) => {
    try {
      inspectProfile(input, { roots: ROOTS });
    } finally {
      inspectProfile(unsigned(input), { roots: ROOTS });
    }
  },
};

/** Info.plist, ExportOptions.plist and entitlements of apps that triage reads: XML or binary. */
export const propertyList: Target = {
  name: 'property-list',
  seeds: [...PLISTS.slice(0, 2), own('small.bplist')],
  tokens: XML,
  run: (input) => {
    const read = dictionary(input);
    if (read !== null) plainEntitlements(read);
  },
};

export const cmsSignature: Target = {
  name: 'cms-signature',
  seeds: PROFILES.slice(0, 2),
  tokens: ASN1,
  run: (input) => {
    const { isOf } = readCmsSignature(input);
    isOf(createHash('sha256').update(input).digest());
  },
  mayThrow: isPlainError,
};
