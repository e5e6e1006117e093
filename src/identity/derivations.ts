import forge from 'node-forge';

/** All derivations of a file together. Keychains and OpenSSL take 2,048 for each of three, Java 10,000, NSS 100,000; a hundred thousand take a processor a second or two. */
export const MOST_ITERATIONS = 400_000;
/** Of one derivation, in bytes; tools take 8 to 32. */
const LONGEST_SALT = 1_024;

/** PBKDF2 (RFC 8018), and below these arcs what derives by PKCS#5 version 1 and by PKCS#12. */
const PBKDF2 = '1.2.840.113549.1.5.12';
const SCHEMES = ['1.2.840.113549.1.12.1.', '1.2.840.113549.1.5.'];
/** What an encryption by PBES2 says by itself is in its PBKDF2. */
const PBES2 = '1.2.840.113549.1.5.13';

export interface Derivation {
  readonly iterations: number;
  /** Bytes. */
  readonly salt: number;
}

/** Every derivation of a key that a structure asks for, wherever it stands there; of what is encrypted nothing is seen. Recursive: hold it against `nestsTooMuch` first. */
export function derivationsIn(node: forge.asn1.Asn1): readonly Derivation[] {
  if (!Array.isArray(node.value)) return [];
  const [algorithm, parameters] = node.value;
  const own = derives(oidOf(algorithm)) && Array.isArray(parameters?.value) ? [derivation(parameters.value)] : []; // prettier-ignore
  return [...own, ...node.value.flatMap(derivationsIn)];
}

/** Whole numbers above 0 that fit in four bytes; anything else is more than anybody asks for. */
export function countOf(node: forge.asn1.Asn1 | undefined): number {
  const bytes = typeof node?.value === 'string' ? Buffer.from(node.value, 'binary') : Buffer.alloc(0);
  const digits = bytes[0] === 0 ? bytes.subarray(1) : bytes;
  if (node?.type !== forge.asn1.Type.INTEGER || bytes.length === 0 || digits.length > 4 || ((bytes[0] ?? 0) & 0x80) !== 0) return Infinity;
  return digits.reduce((value, byte) => value * 256 + byte, 0);
}

/** Why keys are not derived so, as the end of a sentence; null: they may be. */
export function refusedDerivation(all: readonly Derivation[], most: number): string | null {
  const longest = Math.max(0, ...all.map(({ salt }) => salt));
  if (longest > LONGEST_SALT) return `a salt in it has ${longest} bytes; ${LONGEST_SALT} at most are read here`;
  const iterations = all.reduce((sum, one) => sum + one.iterations, 0);
  if (all.some((one) => one.iterations < 1)) return 'it asks for a key that is derived in no iteration';
  if (iterations <= most) return null;
  const asked = Number.isFinite(iterations) ? String(iterations) : 'more than four thousand million';
  return `its keys are to be derived in ${asked} iterations; ${most} at most are done here. Export it again with fewer`;
}

const derives = (oid: string): boolean => oid === PBKDF2 || (oid !== PBES2 && SCHEMES.some((arc) => oid.startsWith(arc)));

/** Empty where it is none. */
export function oidOf(node: forge.asn1.Asn1 | undefined): string {
  const value = node?.value;
  try {
    return node?.type === forge.asn1.Type.OID && typeof value === 'string' ? forge.asn1.derToOid(value) : '';
  } catch {
    return '';
  }
}

const derivation = ([salt, iterations]: readonly forge.asn1.Asn1[]): Derivation => ({
  iterations: countOf(iterations),
  salt: typeof salt?.value === 'string' ? salt.value.length : 0,
});
