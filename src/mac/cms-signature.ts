import { createHash, verify, X509Certificate } from 'node:crypto';
import { definiteForm } from './definite-form.js';
import { childrenOf, oidHex, readDer, TAGS, type Der } from './der.js';

/** The detached CMS signature of a code directory (RFC 5652). */
export interface CmsSignature {
  /** From the signer's to the last issuer that is embedded. */
  readonly chain: readonly X509Certificate[];
  readonly signingTime: Date | null;
  /** Whether the signer has signed these bytes. */
  readonly isOf: (content: Uint8Array) => boolean;
}

const ATTRIBUTES = { messageDigest: '2a864886f70d010904', signingTime: '2a864886f70d010905' } as const;
const SHA256 = '608648016503040201';
const UTC_TIME = 0x17;

/**
 * Apple's codesign writes BER with indefinite lengths (as in the macOS builds of Node.js 18.9 and 26.10, which begin `30 80 06 09`), rcodesign DER.
 * @throws Error where the bytes are no such structure
 */
export function readCmsSignature(bytes: Uint8Array): CmsSignature {
  const signedData = nth(nth(readDer(definiteForm(bytes)), 1), 0);
  const parts = childrenOf(signedData);
  const embedded = parts.find((part) => part.tag === TAGS.context0);
  const certificates = embedded === undefined ? [] : childrenOf(embedded).map((one) => new X509Certificate(one.whole));
  const signer = childrenOf(last(parts))[0];
  if (signer === undefined) throw new Error('a CMS signature without a signer');
  const fields = childrenOf(signer);
  const attributes = fields.find((field) => field.tag === TAGS.context0);
  if (attributes === undefined) throw new Error('a CMS signature without signed attributes');
  const signature = fields.find((field) => field.tag === TAGS.octetString)?.content ?? new Uint8Array();
  const digest = oidHex(childrenOf(nth(signer, 2))[0]) === SHA256 ? 'sha256' : 'sha1';
  const [issuer, serial] = childrenOf(nth(signer, 1));
  const leaf = certificates.find((one) => isNamed(one, issuer, serial));
  const messageDigest = attribute(attributes, ATTRIBUTES.messageDigest);
  // Signed is the DER of a SET OF, which stands under another tag in the structure (RFC 5652, 5.4).
  const signed = Uint8Array.from(attributes.whole);
  signed[0] = TAGS.set;
  return {
    chain: leaf === undefined ? [] : chainFrom(leaf, certificates),
    signingTime: time(attribute(attributes, ATTRIBUTES.signingTime)),
    isOf: (content) =>
      leaf !== undefined &&
      messageDigest !== undefined &&
      createHash(digest).update(content).digest().equals(messageDigest.content) &&
      verify(digest, signed, leaf.publicKey, signature),
  };
}

function isNamed(certificate: X509Certificate, issuer: Der | undefined, serial: Der | undefined): boolean {
  const fields = childrenOf(nth(readDer(certificate.raw), 0)).filter((field) => field.tag !== TAGS.context0);
  const same = (one: Der | undefined, other: Der | undefined): boolean =>
    one !== undefined && other !== undefined && Buffer.compare(one.whole, other.whole) === 0;
  return same(fields[0], serial) && same(fields[2], issuer);
}

function chainFrom(leaf: X509Certificate, all: readonly X509Certificate[]): readonly X509Certificate[] {
  const chain = [leaf];
  for (let top = leaf; !top.checkIssued(top);) {
    const issuer = all.find((one) => top.checkIssued(one) && !chain.includes(one));
    if (issuer === undefined) break;
    chain.push(issuer);
    top = issuer;
  }
  return chain;
}

/** The value of a signed attribute: SEQUENCE { type, SET { value } }. */
function attribute(attributes: Der, type: string): Der | undefined {
  const found = childrenOf(attributes).find((one) => oidHex(childrenOf(one)[0]) === type);
  return found === undefined ? undefined : childrenOf(nth(found, 1))[0];
}

/** UTCTime means 1950 to 2049 (RFC 5652, 11.3). */
function time(value: Der | undefined): Date | null {
  const text = Buffer.from(value?.content ?? []).toString('latin1');
  const full = value?.tag === UTC_TIME ? `${Number(text.slice(0, 2)) < 50 ? '20' : '19'}${text}` : text;
  const found = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)Z$/.exec(full);
  if (found === null) return null;
  const [year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0] = found.slice(1).map(Number);
  return new Date(Date.UTC(year, month - 1, day, hour, minute, second));
}

function nth(value: Der, index: number): Der {
  const child = childrenOf(value)[index];
  if (child === undefined) throw new Error(`a DER value with fewer than ${index + 1} parts`);
  return child;
}

function last(parts: readonly Der[]): Der {
  const part = parts.at(-1);
  if (part === undefined) throw new Error('an empty DER value');
  return part;
}
