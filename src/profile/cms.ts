import * as asn1js from 'asn1js';
import * as pkijs from 'pkijs';
import { readCertificate, type Certificate } from './certificate.js';
import { definiteForm } from './der.js';

const SIGNED_DATA = '1.2.840.113549.1.7.2';
const ATTRIBUTE = {
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
  signingTime: '1.2.840.113549.1.9.5',
} as const;

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

/** Decodes DER or BER, indefinite lengths included. @throws Error saying what is wrong with the structure */
export function readSignedFile(bytes: Uint8Array): SignedFile {
  const der = definiteForm(bytes);
  const info = pkijs.ContentInfo.fromBER(Uint8Array.from(der));
  if (info.contentType !== SIGNED_DATA) throw new Error(`a CMS structure of type ${info.contentType}, not SignedData`);
  const data = new pkijs.SignedData({ schema: info.content });
  refuseUnread(der, data);
  const content = data.encapContentInfo.eContent;
  if (content === undefined) throw new Error('a detached signature without the content it is for');
  return {
    contentType: data.encapContentInfo.eContentType,
    content: new Uint8Array(content.getValue()),
    digestAlgorithms: data.digestAlgorithms.map((one) => one.algorithmId),
    signers: data.signerInfos.map(signer),
    certificates: (data.certificates ?? []).map((one) => readCertificate(new Uint8Array(one.toSchema().toBER()))),
  };
}

/**
 * The reader takes a SET for a SEQUENCE and the like, and what is verified below is what it read. Writing that again must give
 * the same bytes: then every byte of the file was understood as it stands.
 */
function refuseUnread(der: Uint8Array, data: pkijs.SignedData): void {
  const again = new pkijs.ContentInfo({ contentType: SIGNED_DATA, content: data.toSchema(true) }).toSchema().toBER();
  if (Buffer.compare(der, new Uint8Array(again)) !== 0) throw new Error('its encoding is damaged');
  // RFC 5652, 5.1 and 5.3: version 1 with issuer and serial number, 3 where newer certificates or identifiers are used.
  if (![data, ...data.signerInfos].every((one) => one.version === 1 || one.version === 3))
    throw new Error('it is of an unknown CMS version');
  const algorithms = [...data.digestAlgorithms, ...data.signerInfos.flatMap((one) => [one.digestAlgorithm, one.signatureAlgorithm])];
  // RFC 3370, 2.1 and 3.2: parameters are absent or NULL for every algorithm that is verified here.
  const odd = algorithms.find((one) => one.algorithmParams !== undefined && !(one.algorithmParams instanceof asn1js.Null));
  if (odd !== undefined) throw new Error(`the algorithm ${odd.algorithmId} has parameters`);
}

function signer(info: pkijs.SignerInfo): CmsSigner {
  const id: unknown = info.sid;
  return {
    certificate:
      id instanceof pkijs.IssuerAndSerialNumber
        ? { issuer: hex(new Uint8Array(id.issuer.valueBeforeDecode)), serial: serial(id.serialNumber.valueBlock.valueHexView) }
        : null,
    digestAlgorithm: info.digestAlgorithm.algorithmId,
    signatureAlgorithm: info.signatureAlgorithm.algorithmId,
    signature: Uint8Array.from(info.signature.valueBlock.valueHexView),
    signed: info.signedAttrs === undefined ? null : attributes(info.signedAttrs),
  };
}

function attributes(set: pkijs.SignedAndUnsignedAttributes): NonNullable<CmsSigner['signed']> {
  const only = (type: string): unknown => {
    const found = set.attributes.filter((one) => one.type === type);
    return found.length === 1 && found[0]?.values.length === 1 ? found[0].values[0] : null;
  };
  const type = only(ATTRIBUTE.contentType);
  const digest = only(ATTRIBUTE.messageDigest);
  const time = only(ATTRIBUTE.signingTime);
  return {
    bytes: new Uint8Array(set.encodedValue),
    contentType: type instanceof asn1js.ObjectIdentifier ? type.valueBlock.toString() : null,
    messageDigest: digest instanceof asn1js.OctetString ? new Uint8Array(digest.getValue()) : null,
    signingTime: time instanceof asn1js.UTCTime || time instanceof asn1js.GeneralizedTime ? time.toDate() : null,
  };
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

/** As OpenSSL prints it: upper case, without the sign byte. */
const serial = (bytes: Uint8Array): string =>
  hex(bytes)
    .replace(/^(?:00)+(?=..)/, '')
    .toUpperCase();
