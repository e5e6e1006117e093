import { createHash, createHmac, timingSafeEqual, X509Certificate } from 'node:crypto';
import forge from 'node-forge';
import type { Sha1 } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import { countOf, derivationsIn, MOST_ITERATIONS, oidOf, refusedDerivation, type Derivation } from './derivations.js';
import { nestsTooMuch } from './nested.js';

/** A certificate that signs code, with its private key. */
export interface SigningIdentity {
  readonly certificatePem: string;
  readonly privateKeyPem: string;
  readonly facts: IdentityFacts;
}

/** What of an identity may be shown and kept: nothing of its private key. */
export interface IdentityFacts {
  /** SHA-1 of the certificate, lower-case hexadecimal: what builds sign by. */
  readonly sha1: Sha1;
  readonly commonName: string;
  /** Apple's Team ID: the organisational unit of the subject. */
  readonly team: string;
  /** Upper-case hexadecimal. */
  readonly serial: string;
  /** ISO 8601, UTC. */
  readonly notBefore: string;
  readonly expiresAt: string;
}

/** RFC 5280, 4.2.1.12: id-kp-codeSigning. */
const CODE_SIGNING = '1.3.6.1.5.5.7.3.3';
const { oids } = forge.pki;

/**
 * The one signing identity of a PKCS#12 file (RFC 7292), of whatever encryption. The password is in no error.
 * What is made to keep a reader busy is refused before any key is derived from the password: sizes, nesting, iterations.
 * @param name for sentences about it @param most iterations of all derivations together
 * @throws ResealError NOT_AN_IDENTITY: wrong password, no PKCS#12, no or several identities, a key of another certificate, not for code signing, too large
 */
export function readPkcs12(bytes: Uint8Array, password: string, name: string, most = MOST_ITERATIONS): SigningIdentity {
  const bags = bagsOf(open(bytes, password, name, most));
  if (bags.keys.length !== 1)
    throw notAnIdentity(name, `it holds ${bags.keys.length === 0 ? 'no private key' : `${bags.keys.length} private keys`}`);
  const privateKeyPem = bags.keys[0] as string;
  const certificates = certificatesOf(bags.certificates, name);
  const key = forge.pki.privateKeyFromPem(privateKeyPem);
  const publicKey = forge.pki.publicKeyToPem(forge.pki.setRsaPublicKey(key.n, key.e)).replaceAll(/\s/g, '');
  const own = certificates.find(
    (one) => one.publicKey.export({ type: 'spki', format: 'pem' }).toString().replaceAll(/\s/g, '') === publicKey,
  );
  if (own === undefined) throw notAnIdentity(name, 'its private key belongs to none of the certificates in it');
  // Node.js names the extended key usage so; without any it is undefined, whatever the types say.
  const usages = own.keyUsage as readonly string[] | undefined;
  if (usages?.includes(CODE_SIGNING) !== true) throw notAnIdentity(name, `its certificate ${subject(own, 'CN')} is not for code signing`);
  if (![own.validFrom, own.validTo].every((time) => Number.isFinite(Date.parse(time))))
    throw notAnIdentity(name, `its certificate ${subject(own, 'CN')} does not say from when to when it is valid`);
  return { certificatePem: own.toString(), privateKeyPem, facts: factsOf(own) };
}

function certificatesOf(pems: readonly string[], name: string): readonly X509Certificate[] {
  try {
    return pems.map((pem) => new X509Certificate(pem));
  } catch {
    throw notAnIdentity(name, 'a certificate in it cannot be read');
  }
}

function open(bytes: Uint8Array, password: string, name: string, most: number): forge.pkcs12.Pkcs12Pfx {
  if (bytes.length > LARGEST) throw notAnIdentity(name, `it has ${bytes.length} bytes; ${LARGEST} at most are read here`);
  const nested = nestsTooMuch(bytes);
  if (nested !== null) throw notAnIdentity(name, nested);
  const file = readFile(bytes);
  if (file === null) throw notAnIdentity(name, 'it is no PKCS#12');
  if (file.mac === 'unknown') throw notAnIdentity(name, `its integrity is protected in a way that is not read here; ${AGAIN}`);
  if (file.mac !== null && file.mac.digest.length !== digestLength(file.mac.hash))
    throw notAnIdentity(
      name,
      `its MAC has ${file.mac.digest.length} bytes, and one by ${file.mac.hash} has ${digestLength(file.mac.hash)}`,
    );
  const asked = [
    ...(file.mac === null ? [] : [{ iterations: file.mac.iterations, salt: file.mac.salt.length }]),
    ...file.parts.flatMap(askedBy),
  ];
  const refused = refusedDerivation(asked, most);
  if (refused !== null) throw notAnIdentity(name, refused);
  if (file.mac !== null && !isMacOf(file.mac, password)) throw notAnIdentity(name, 'its password is another one');
  // PBES2 (RFC 8018) takes the password in UTF-8, the older schemes of PKCS#12 as a BMPString, as the MAC does; a file may have both.
  const spellings = [...new Set([forge.util.encodeUtf8(password), password])];
  for (const spelling of spellings) {
    const inside = decrypted(file.parts, spelling);
    if (inside === null) continue;
    // What was encrypted is seen only now, and may hold keys that are encrypted once more.
    const deeper = [...asked, ...inside.flatMap((part) => part.found)];
    const why = inside.find((part) => part.nested !== null)?.nested ?? refusedDerivation(deeper, most);
    if (why !== null) throw notAnIdentity(name, why);
    try {
      return forge.pkcs12.pkcs12FromAsn1(plainPfx(inside.map(({ content }) => content)), false, spelling);
    } catch {
      // The other spelling may be the right one; why none is, is told below.
    }
  }
  const guess = file.mac === null ? 'its password is another one, or it' : 'it';
  throw notAnIdentity(name, `${guess} is encrypted in a way that is not read here, or holds another key than one of RSA; ${AGAIN}`);
}

/** A file of one identity has a few thousand bytes. */
const LARGEST = 1024 * 1024;
const AGAIN = 'export an RSA identity again, with a password of ASCII characters where it had others';

/** What proves that a file is whole and the password right (RFC 7292, MacData). */
interface Mac {
  readonly content: string;
  readonly digest: string;
  readonly salt: string;
  readonly iterations: number;
  readonly hash: 'sha1' | 'sha256' | 'sha384' | 'sha512';
}
type HashName = Mac['hash'];
const HASHES: readonly HashName[] = ['sha1', 'sha256', 'sha384', 'sha512'];

const partsOf = (node: forge.asn1.Asn1 | undefined): readonly forge.asn1.Asn1[] => (Array.isArray(node?.value) ? node.value : []);
const bytesOf = (node: forge.asn1.Asn1 | undefined): string => (typeof node?.value === 'string' ? node.value : '');
const digestLength = (hash: HashName): number => createHash(hash).digest().length;

/** A PFX and its MAC apart, and what it protects in parts, as ContentInfo of RFC 7292. null: it is none. @returns `unknown` as the MAC: there is one, by a hash that is not known */
function readFile(bytes: Uint8Array): { readonly parts: readonly forge.asn1.Asn1[]; readonly mac: Mac | 'unknown' | null } | null {
  const pfx = parsed(Buffer.from(bytes).toString('binary'));
  if (pfx === null) return null;
  const [version, safe, macData] = partsOf(pfx);
  const [type, wrapped] = partsOf(safe);
  if (version === undefined || safe === undefined || type?.type !== forge.asn1.Type.OID) return null;
  const content = joined(partsOf(wrapped)[0]);
  const parts = partsOf(parsed(content) ?? undefined);
  if (macData === undefined) return { parts, mac: null };
  const [digestInfo, salt, iterations] = partsOf(macData);
  const [algorithm, digest] = partsOf(digestInfo);
  const oid = oidOf(partsOf(algorithm)[0]);
  const hash = HASHES.find((one) => oids[one] !== undefined && oids[one] === oid);
  if (hash === undefined) return { parts, mac: 'unknown' };
  const count = iterations === undefined ? 1 : countOf(iterations);
  return { parts, mac: { content, digest: bytesOf(digest), salt: bytesOf(salt), iterations: count, hash } };
}

/** null: it is no ASN.1. */
function parsed(bytes: string): forge.asn1.Asn1 | null {
  try {
    return forge.asn1.fromDer(bytes);
  } catch {
    return null;
  }
}

/** An octet string; in pieces where it is BER of indefinite length. */
const joined = (node: forge.asn1.Asn1 | undefined): string =>
  node === undefined ? '' : typeof node.value === 'string' ? node.value : partsOf(node).map(bytesOf).join('');

/** A part of the file without its encryption. */
interface Part {
  /** SafeContents, encoded. */
  readonly content: string;
  /** What nobody could see before it was decrypted. */
  readonly found: readonly Derivation[];
  /** Why it is not to be read. */
  readonly nested: string | null;
}

/** null: the password, in this spelling, does not open all of them. */
function decrypted(parts: readonly forge.asn1.Asn1[], password: string): readonly Part[] | null {
  const opened = parts.map((part) => openPart(part, password));
  return opened.every((one) => one !== null) ? opened : null;
}

/** What a part asks for before it is opened. */
function askedBy(part: forge.asn1.Asn1): readonly Derivation[] {
  const [type, wrapped] = partsOf(part);
  const tree = oidOf(type) === oids['data'] ? parsed(joined(partsOf(wrapped)[0])) : null;
  return [...derivationsIn(part), ...(tree === null ? [] : derivationsIn(tree))];
}

function openPart(part: forge.asn1.Asn1, password: string): Part | null {
  const [type, wrapped] = partsOf(part);
  const [inner] = partsOf(wrapped);
  if (oidOf(type) === oids['data']) return { content: joined(inner), found: [], nested: null };
  const content = decryptedOf(inner, password);
  if (content === null) return null;
  const nested = nestsTooMuch(Buffer.from(content, 'binary'));
  const tree = nested === null ? parsed(content) : null;
  return { content, nested, found: tree === null ? [] : derivationsIn(tree) };
}

/** EncryptedData of RFC 5652. */
function decryptedOf(data: forge.asn1.Asn1 | undefined, password: string): string | null {
  const [type, algorithm, encrypted] = partsOf(partsOf(data)[1]);
  const [scheme, parameters] = partsOf(algorithm);
  if (oidOf(type) !== oids['data'] || encrypted === undefined) return null;
  try {
    const cipher = (forge.pki as unknown as Ciphers).pbe.getCipher(oidOf(scheme), parameters, password);
    cipher.update(forge.util.createBuffer(joined(encrypted)));
    return cipher.finish() ? cipher.output.getBytes() : null;
  } catch {
    return null;
  }
}

/** What the library has and its types have not. */
interface Ciphers {
  readonly pbe: { getCipher(oid: string, parameters: forge.asn1.Asn1 | undefined, password: string): forge.cipher.BlockCipher };
}

/** The parts in a PFX without encryption and MAC. */
function plainPfx(parts: readonly string[]): forge.asn1.Asn1 {
  const { create, Class, Type, oidToDer, integerToDer, toDer } = forge.asn1;
  const octets = (bytes: string): forge.asn1.Asn1 => create(Class.UNIVERSAL, Type.OCTETSTRING, false, bytes);
  const sequence = (...members: forge.asn1.Asn1[]): forge.asn1.Asn1 => create(Class.UNIVERSAL, Type.SEQUENCE, true, members);
  const data = (bytes: string): forge.asn1.Asn1 =>
    sequence(
      create(Class.UNIVERSAL, Type.OID, false, oidToDer(oids['data'] ?? '').getBytes()),
      create(Class.CONTEXT_SPECIFIC, Type.NONE, true, [octets(bytes)]),
    );
  const version = create(Class.UNIVERSAL, Type.INTEGER, false, integerToDer(3).getBytes());
  return sequence(version, data(toDer(sequence(...parts.map(data))).getBytes()));
}

/** Derived as in RFC 7292, appendix B, purpose 3: the password is a BMPString there whatever the encryption is. */
function isMacOf({ content, digest, salt, iterations, hash }: Mac, password: string): boolean {
  const key = forge.pkcs12.generateKey(password, forge.util.createBuffer(salt), 3, iterations, digest.length, forge.md[hash].create());
  const mac = createHmac(hash, Buffer.from(key.getBytes(), 'binary')).update(Buffer.from(content, 'binary')).digest();
  const expected = Buffer.from(digest, 'binary');
  return mac.length === expected.length && timingSafeEqual(mac, expected);
}

function bagsOf(pfx: forge.pkcs12.Pkcs12Pfx): { readonly keys: readonly string[]; readonly certificates: readonly string[] } {
  const bags = (type: string): forge.pkcs12.Bag[] => pfx.getBags({ bagType: oids[type] ?? '' })[oids[type] ?? ''] ?? [];
  return {
    keys: [...bags('pkcs8ShroudedKeyBag'), ...bags('keyBag')].flatMap(({ key }) => (key ? [forge.pki.privateKeyToPem(key)] : [])),
    certificates: bags('certBag').flatMap(({ cert }) => (cert ? [forge.pki.certificateToPem(cert)] : [])),
  };
}

const notAnIdentity = (name: string, what: string): ResealError =>
  new ResealError(
    'NOT_AN_IDENTITY',
    `${name} cannot be used: ${what}. Expected is a PKCS#12 file (.p12) with one certificate for code signing and its private key, as Keychain Access exports it.`,
  );

const subject = (certificate: X509Certificate, field: string): string =>
  certificate.subject
    .split('\n')
    .find((line) => line.startsWith(`${field}=`))
    ?.slice(field.length + 1) ?? '';

/** What of a certificate may be shown and kept. */
export function factsOf(certificate: X509Certificate): IdentityFacts {
  return {
    sha1: certificate.fingerprint.replaceAll(':', '').toLowerCase() as Sha1,
    commonName: subject(certificate, 'CN'),
    team: subject(certificate, 'OU'),
    serial: certificate.serialNumber.toUpperCase(),
    notBefore: new Date(certificate.validFrom).toISOString(),
    expiresAt: new Date(certificate.validTo).toISOString(),
  };
}

/**
 * Makes a PKCS#12 file that every Mac imports: triple DES for certificate and key, SHA-1 for the MAC, as keychains export them. What OpenSSL 3
 * makes by default (PBES2, SHA-256) `security import` refuses with the right password (mac-tools.md). So weak an encryption guards nothing by itself:
 * the file travels sealed, and its password with it.
 */
export function legacyPkcs12(identity: Pick<SigningIdentity, 'certificatePem' | 'privateKeyPem'>, password: string): Uint8Array {
  const pfx = forge.pkcs12.toPkcs12Asn1(
    forge.pki.privateKeyFromPem(identity.privateKeyPem),
    [forge.pki.certificateFromPem(identity.certificatePem)],
    password,
    { algorithm: '3des' },
  );
  return Buffer.from(forge.asn1.toDer(pfx).getBytes(), 'binary');
}
