import { createHash, timingSafeEqual, verify } from 'node:crypto';
import type { Certificate } from './certificate.js';
import { followChain } from './chain.js';
import type { CmsSigner, SignedFile } from './cms.js';
import { isoSeconds } from './digest.js';
import type { PinnedRoot } from './trust.js';

export type SignatureStatus = 'valid' | 'invalid' | 'untrusted' | 'unsigned';

/** What a profile's signature is worth. Does not depend on the present time: everything is judged at the signing time. */
export interface SignatureVerdict {
  readonly status: SignatureStatus;
  /** A clause in plain words. */
  readonly reason: string;
  /** The signed signing time, ISO 8601; null where there is none or it cannot be believed. */
  readonly signedAt: string | null;
  /** When the signer's certificate ends, ISO 8601; null where it is not known who signed. */
  readonly signerNotAfter: string | null;
}

const DATA = '1.2.840.113549.1.7.1';
const DIGESTS: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
};
/** RFC 3370, RFC 5754: `rsaEncryption` leaves the digest to the signer's digest algorithm, the others name it. */
const SIGNATURES: Readonly<Record<string, { readonly key: string; readonly digest: string | null }>> = {
  '1.2.840.113549.1.1.1': { key: 'rsa', digest: null },
  '1.2.840.113549.1.1.5': { key: 'rsa', digest: 'sha1' },
  '1.2.840.113549.1.1.11': { key: 'rsa', digest: 'sha256' },
  '1.2.840.113549.1.1.12': { key: 'rsa', digest: 'sha384' },
  '1.2.840.113549.1.1.13': { key: 'rsa', digest: 'sha512' },
  '1.2.840.10045.4.3.2': { key: 'ec', digest: 'sha256' },
  '1.2.840.10045.4.3.3': { key: 'ec', digest: 'sha384' },
  '1.2.840.10045.4.3.4': { key: 'ec', digest: 'sha512' },
};

export const UNSIGNED: SignatureVerdict = { status: 'unsigned', reason: 'the file has no signature', signedAt: null, signerNotAfter: null };

/** Judges signature, signed attributes and chain of a decoded file against the pinned roots. */
export function judgeSignature(file: SignedFile, roots: readonly PinnedRoot[]): SignatureVerdict {
  const [signer, second] = file.signers;
  if (signer === undefined) return UNSIGNED;
  if (second !== undefined) return invalid(`the file has ${file.signers.length} signers where one is expected`);
  const leaf = signerCertificate(file, signer);
  if (leaf === null) {
    return file.certificates.length === 0
      ? untrusted('the file embeds no certificate')
      : invalid("the signer's certificate is not among those in the file");
  }
  const wrong = wrongSignature(file, signer, leaf);
  if (wrong !== null) return invalid(wrong);
  const signedAt = signer.signed?.signingTime ?? null;
  const chain = followChain(leaf, file.certificates, roots);
  const known = { signedAt: signedAt === null ? null : isoSeconds(signedAt), signerNotAfter: isoSeconds(leaf.notAfter) };
  if (chain.state === 'broken') return invalid(chain.reason);
  if (chain.state === 'unanchored') return { ...untrusted(chain.reason), ...known };
  const doubt = doubtful(leaf, chain.certificates, chain.root, signedAt);
  if (doubt !== null) return { ...untrusted(doubt), ...known };
  return { status: 'valid', reason: `signed by "${leaf.commonName}" under ${chain.root.name}`, ...known };
}

/** Whether the signer's certificate has expired since; nothing to worry about where the signature is valid. */
export function signerExpired(verdict: SignatureVerdict, at: number): boolean {
  return verdict.signerNotAfter !== null && Date.parse(verdict.signerNotAfter) < at;
}

function signerCertificate(file: SignedFile, signer: CmsSigner): Certificate | null {
  const id = signer.certificate;
  return id === null ? null : (file.certificates.find((one) => one.issuer === id.issuer && one.serial === id.serial) ?? null);
}

/** What is wrong with the signature itself; null where it holds. */
function wrongSignature(file: SignedFile, signer: CmsSigner, leaf: Certificate): string | null {
  const digest = DIGESTS[signer.digestAlgorithm];
  const algorithm = SIGNATURES[signer.signatureAlgorithm];
  if (digest === undefined || !file.digestAlgorithms.includes(signer.digestAlgorithm))
    return `the digest algorithm ${signer.digestAlgorithm} is not one that a profile may use`;
  if (algorithm === undefined || algorithm.key !== leaf.x509.publicKey.asymmetricKeyType)
    return `the signature algorithm ${signer.signatureAlgorithm} is not one that a profile may use`;
  if (algorithm.digest !== null && algorithm.digest !== digest) return 'digest and signature algorithm contradict each other';
  if (file.contentType !== DATA) return `the content is of type ${file.contentType}, not data`;
  const signed = signer.signed;
  if (signed === null) return 'the signature covers no signing time';
  if (signed.contentType !== file.contentType || signed.messageDigest === null)
    return 'the signed attributes lack content type or message digest';
  const found = createHash(digest).update(file.content).digest();
  if (found.length !== signed.messageDigest.length || !timingSafeEqual(found, signed.messageDigest)) {
    return 'the contents were changed after signing: their digest is not the signed one';
  }
  return verify(digest, signed.bytes, leaf.x509.publicKey, signer.signature) ? null : 'the signature does not match the signed attributes';
}

/** Why a chain that leads to a pinned root does not count all the same; null where it does. */
function doubtful(leaf: Certificate, chain: readonly Certificate[], root: PinnedRoot, signedAt: Date | null): string | null {
  if (signedAt === null) return 'there is no signing time at which the certificates could be judged';
  if (leaf.x509.ca) return `"${leaf.commonName}" is a certificate authority, not a signer of profiles`;
  const late = chain.find((one) => signedAt < one.notBefore || signedAt > one.notAfter);
  if (late !== undefined) {
    return `the certificate "${late.commonName}" was not valid at the signing time ${isoSeconds(signedAt)} (it is from ${isoSeconds(late.notBefore)} to ${isoSeconds(late.notAfter)})`;
  }
  const admitted =
    root.signers === 'any' || root.signers.some((one) => one.subject === leaf.commonName && one.issuer === leaf.issuerCommonName);
  return admitted ? null : `"${leaf.commonName}" of "${leaf.issuerCommonName}" leads to ${root.name}, but is not one that signs profiles`;
}

const invalid = (reason: string): SignatureVerdict => ({ status: 'invalid', reason, signedAt: null, signerNotAfter: null });
const untrusted = (reason: string): SignatureVerdict => ({ status: 'untrusted', reason, signedAt: null, signerNotAfter: null });
