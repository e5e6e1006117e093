import { createPublicKey, type X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Keychain, KeychainIdentity, KeychainItem, KeychainKey } from '../keychain-file.js';
import type { MacState } from '../state.js';
import { childrenOf, readDer, TAGS } from '../../../mac/der.js';
import { publicKeySha1 } from './public-key.js';

/** An item as `security` dumps it: print_keychain_item_attributes in keychain_utilities.c. */
function dump(keychain: Keychain, itemClass: number, attributes: readonly (readonly [number, string, Uint8Array | null])[]): string {
  const lines = attributes.map(([tag, format, value]) => {
    const isUnset = value === null;
    return `    ${printed(uint32(tag))}<${format}>=${isUnset ? '<NULL>' : printed(value)}\n`;
  });
  const path = printed(Buffer.from(keychain.path));
  return `keychain: ${path}\nversion: 512\nclass: ${printed(uint32(itemClass))}\nattributes:\n${lines.join('')}`;
}

/** CSSM_DL_DB_RECORD_PRIVATE_KEY and CSSM_DL_DB_RECORD_X509_CERTIFICATE. */
const PRIVATE_KEY = 0x10;
const CERTIFICATE = 0x80001000;

/** The GUID of Apple's CSP, which has made every key of a keychain. */
const CREATOR = Buffer.from('{87191ca2-0fc9-11d4-849a-000502b52122}\0');
const RSA = 42;
const EIGHT_ZEROS = Buffer.alloc(8);

/** A private key, with the attributes of KeySchema.m4 in their order. */
export function dumpKey(state: MacState, keychain: Keychain, item: KeychainIdentity | KeychainKey): string {
  const key = createPublicKey(readFileSync(state.privateKey(keychain.id, item.sha1), 'utf8'));
  const bits = uint32(key.asymmetricKeyDetails?.modulusLength ?? 0);
  const [yes, no] = [uint32(1), uint32(0)];
  const label = item.kind === 'identity' ? Buffer.from(item.label) : null;
  const flags = [yes, no, yes, no, no, yes, yes, yes, no, yes, no, no, yes];
  return dump(keychain, PRIVATE_KEY, [
    [0, 'uint32', yes],
    [1, 'blob', label],
    [2, 'blob', null],
    [3, 'uint32', yes],
    [4, 'uint32', no],
    [5, 'uint32', no],
    [6, 'blob', Buffer.from(publicKeySha1(key), 'hex')],
    [7, 'blob', null],
    [8, 'blob', CREATOR],
    [9, 'uint32', uint32(RSA)],
    [10, 'uint32', bits],
    [11, 'uint32', bits],
    [12, 'blob', EIGHT_ZEROS],
    [13, 'blob', EIGHT_ZEROS],
    ...flags.map((flag, at) => [14 + at, 'uint32', flag] as const),
  ]);
}

/** A certificate. A Mac normalizes the names in `issu` and `subj`; here they are as in the certificate. */
export function dumpCertificate(keychain: Keychain, item: KeychainItem & { readonly label: string }, certificate: X509Certificate): string {
  const fields = childrenOf(childrenOf(readDer(certificate.raw))[0] ?? readDer(certificate.raw));
  const [serial, , issuer, , subject] = fields.filter((field) => field.tag !== TAGS.context0);
  const keyId = Buffer.from(publicKeySha1(certificate.publicKey), 'hex');
  const tag = (name: string): number => Buffer.from(name).readUInt32BE(0);
  return dump(keychain, CERTIFICATE, [
    [tag('alis'), 'blob', Buffer.from(item.label)],
    [tag('cenc'), 'uint32', uint32(3)],
    [tag('ctyp'), 'uint32', uint32(1)],
    [tag('hpky'), 'blob', keyId],
    [tag('issu'), 'blob', issuer?.content ?? null],
    [tag('labl'), 'blob', Buffer.from(item.label)],
    [tag('skid'), 'blob', keyId],
    [tag('snbr'), 'blob', serial?.content ?? null],
    [tag('subj'), 'blob', subject?.content ?? null],
  ]);
}

function uint32(value: number): Uint8Array {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

/** print_buffer: hexadecimal where a byte is not printable, and text where one is. */
function printed(bytes: Uint8Array): string {
  const isPlain = (byte: number): boolean => byte >= 0x20 && byte <= 0x7e && byte !== 0x5c;
  const hasText = bytes.some(isPlain);
  const isHex = bytes.some((byte) => !isPlain(byte));
  const octal = (byte: number): string => `\\${byte.toString(8).padStart(3, '0')}`;
  const text = hasText ? `"${[...bytes].map((byte) => (isPlain(byte) ? String.fromCharCode(byte) : octal(byte))).join('')}"` : '';
  return isHex ? `0x${Buffer.from(bytes).toString('hex').toUpperCase()}${hasText ? '  ' : ' '}${text}` : text;
}
