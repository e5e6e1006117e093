import * as asn1js from 'asn1js';
import { childrenOf, readDer, TAGS, type Der } from '../mac/der.js';
import { readCertificate, type Certificate } from './certificate.js';
import { definiteForm } from '../mac/definite-form.js';
import { Fields, integer, objectIdentifier } from './fields.js';

const SIGNED_DATA = '1.2.840.113549.1.7.2';
const DATA = '1.2.840.113549.1.7.1';
const ATTRIBUTE = {
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
} as const;
/** Tags with a number of their own in the structure that they stand in (RFC 5652, 5.1 and 5.3). */
const KEY_IDENTIFIER = 0x80;
const CONTEXT_1 = 0xa1;
const NULL = 0x05;

/** One signer of a CMS SignedData, as written in the file: nothing of it is verified yet. */
export interface CmsSigner {
  /** Names the signer's certificate; null for an identifier other than issuer and serial number. */
  readonly certificate: { readonly issuer: string; readonly serial: string } | null;
  /** Object identifiers. */
  readonly digestAlgorithm: string;
  readonly signatureAlgorithm: string;
  readonly signature: Uint8Array;
  /** What the signature is made over (RFC 5652, 5.4); null where the signer has no signed attributes. */
  readonly signed: {
    readonly bytes: Uint8Array;
    /** Null where absent, doubled or of another type. */
    readonly contentType: string | null;
    readonly messageDigest: Uint8Array | null;
    readonly signingTime: Date | null;
  } | null;
}

/** An attached CMS SignedData (RFC 5652), decoded and not verified. */
export interface SignedFile {
  readonly contentType: string;
  readonly content: Uint8Array;
  readonly digestAlgorithms: readonly string[];
  readonly signers: readonly CmsSigner[];
  readonly certificates: readonly Certificate[];
}

/**
 * Decodes DER or BER, indefinite lengths included. Every field has to be what RFC 5652 has in its place, and nothing may be left
 * over, so that there is one way only to read what is verified afterwards.
 *
 * @throws Error saying what is wrong with the structure
 */
export function readSignedFile(bytes: Uint8Array): SignedFile {
  const info = new Fields(readDer(definiteForm(bytes)), TAGS.sequence, 'the file');
  const type = objectIdentifier(info.next(TAGS.oid));
  if (type !== SIGNED_DATA) throw new Error(`a CMS structure of type ${type}, not SignedData`);
  const wrapper = new Fields(info.next(TAGS.context0), TAGS.context0, 'the file');
  info.end();
  const file = signedData(wrapper.next(TAGS.sequence));
  wrapper.end();
  return file;
}

/** SignedData (RFC 5652, 5.1). */
function signedData(value: Der): SignedFile {
  const fields = new Fields(value, TAGS.sequence, 'SignedData');
  const version = versionOf(fields);
  const digestAlgorithms = childrenOf(fields.next(TAGS.set)).map(algorithm);
  const { contentType, content } = encapsulated(fields.next(TAGS.sequence));
  const embedded = fields.nextIf(TAGS.context0);
  const certificates = embedded === null ? [] : childrenOf(embedded).map(certificate);
  // Apple's profiles have none, and nothing here would read them.
  if (fields.nextIf(CONTEXT_1) !== null) throw new Error('it embeds lists of revoked certificates');
  const signers = childrenOf(fields.next(TAGS.set)).map(signerInfo);
  fields.end();
  const expected = contentType !== DATA || signers.some((one) => one.version === 3) ? 3 : 1;
  if (version !== expected) throw new Error(`it is of CMS version ${version}, where its parts are those of version ${expected}`);
  return { contentType, content, digestAlgorithms, certificates, signers: signers.map(({ signer }) => signer) };
}

/** EncapsulatedContentInfo (RFC 5652, 5.2). */
function encapsulated(value: Der): Pick<SignedFile, 'contentType' | 'content'> {
  const fields = new Fields(value, TAGS.sequence, 'the content');
  const contentType = objectIdentifier(fields.next(TAGS.oid));
  const wrapper = fields.nextIf(TAGS.context0);
  fields.end();
  if (wrapper === null) throw new Error('a detached signature without the content it is for');
  const inside = new Fields(wrapper, TAGS.context0, 'the content');
  const { content } = inside.next(TAGS.octetString);
  inside.end();
  return { contentType, content };
}

function certificate(value: Der): Certificate {
  if (value.tag !== TAGS.sequence) throw new Error('among its certificates is something else than an X.509 certificate');
  const read = readCertificate(value.whole);
  if (read.encoding === 'damaged') throw new Error('its encoding is damaged');
  return read;
}

/** AlgorithmIdentifier. RFC 3370, 2.1 and 3.2: parameters are absent or NULL for every algorithm that is verified here. */
function algorithm(value: Der): string {
  const fields = new Fields(value, TAGS.sequence, 'an algorithm');
  const id = objectIdentifier(fields.next(TAGS.oid));
  const parameters = fields.rest();
  const none = parameters.length === 0 || (parameters.length === 1 && parameters[0]?.tag === NULL && parameters[0].content.length === 0);
  if (!none) throw new Error(`the algorithm ${id} has parameters`);
  return id;
}

/** Version 1 with issuer and serial number, 3 where newer certificates or identifiers are used (RFC 5652, 5.1 and 5.3). */
function versionOf(fields: Fields): 1 | 3 {
  const found = hex(integer(fields.next(TAGS.integer)));
  if (found === '01') return 1;
  if (found === '03') return 3;
  throw new Error('it is of an unknown CMS version');
}

/** SignerInfo (RFC 5652, 5.3). */
function signerInfo(value: Der): { readonly version: 1 | 3; readonly signer: CmsSigner } {
  const fields = new Fields(value, TAGS.sequence, 'a signer');
  const version = versionOf(fields);
  const named = fields.nextIf(KEY_IDENTIFIER) === null ? issuerAndSerial(fields.next(TAGS.sequence)) : null;
  const digestAlgorithm = algorithm(fields.next(TAGS.sequence));
  const signed = fields.nextIf(TAGS.context0);
  const signatureAlgorithm = algorithm(fields.next(TAGS.sequence));
  const signature = fields.next(TAGS.octetString).content;
  const unsigned = fields.nextIf(CONTEXT_1);
  fields.end();
  if (unsigned !== null) attributes(unsigned);
  return {
    version,
    signer: {
      certificate: named,
      digestAlgorithm,
      signatureAlgorithm,
      signature,
      signed: signed === null ? null : signedAttributes(signed),
    },
  };
}

function issuerAndSerial(value: Der): NonNullable<CmsSigner['certificate']> {
  const fields = new Fields(value, TAGS.sequence, "a signer's identifier");
  const issuer = fields.next(TAGS.sequence);
  const number = integer(fields.next(TAGS.integer));
  fields.end();
  return { issuer: hex(issuer.whole), serial: serial(number) };
}

interface Attribute {
  readonly type: string;
  readonly values: readonly Der[];
}

/** SET OF Attribute, of which there is at least one (RFC 5652, 5.3), under a tag of its own. */
function attributes(set: Der): readonly Attribute[] {
  const found = childrenOf(set);
  if (found.length === 0) throw new Error('a signer has a list of attributes without any');
  return found.map((one) => {
    const fields = new Fields(one, TAGS.sequence, 'an attribute');
    const type = objectIdentifier(fields.next(TAGS.oid));
    const values = childrenOf(fields.next(TAGS.set));
    fields.end();
    return { type, values };
  });
}

function signedAttributes(set: Der): NonNullable<CmsSigner['signed']> {
  const all = attributes(set);
  const only = (type: string): Der | null => {
    const [first, second] = all.filter((one) => one.type === type);
    return second === undefined && first?.values.length === 1 ? (first.values[0] ?? null) : null;
  };
  const type = only(ATTRIBUTE.contentType);
  const digest = only(ATTRIBUTE.messageDigest);
  const time = only(ATTRIBUTE.signingTime);
  // Signed is the DER of a SET OF, which stands under another tag in the structure (RFC 5652, 5.4).
  const bytes = Uint8Array.from(set.whole);
  bytes[0] = TAGS.set;
  return {
    bytes,
    contentType: type?.tag === TAGS.oid ? objectIdentifier(type) : null,
    messageDigest: digest?.tag === TAGS.octetString ? digest.content : null,
    signingTime: time === null ? null : dateOf(time),
  };
}

function dateOf(value: Der): Date | null {
  const { result } = asn1js.fromBER(Uint8Array.from(value.whole));
  return result instanceof asn1js.UTCTime || result instanceof asn1js.GeneralizedTime ? result.toDate() : null;
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** As OpenSSL prints it: upper case, without the sign byte. */
const serial = (bytes: Uint8Array): string =>
  hex(bytes)
    .replace(/^(?:00)+(?=..)/, '')
    .toUpperCase();
