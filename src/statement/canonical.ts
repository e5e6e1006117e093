import canonicalize from 'canonicalize';

/**
 * A statement as it is signed: JSON in the canonical form of RFC 8785, in UTF-8. The same facts have the same bytes, whoever writes them.
 * @throws TypeError for what JSON cannot hold, a lone surrogate among it
 */
export function canonicalBytes(statement: object): Uint8Array {
  const text = canonicalize(statement);
  if (text === undefined) throw new TypeError('JSON cannot hold this statement.');
  if (/\p{Surrogate}/u.test(text)) throw new TypeError('A statement holds half of a surrogate pair, which UTF-8 cannot write.');
  return new TextEncoder().encode(text);
}
