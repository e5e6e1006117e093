import canonicalize from 'canonicalize';

/**
 * A statement as it is signed: JSON in the canonical form of RFC 8785, in UTF-8. The same facts have the same bytes, whoever writes them.
 * @throws TypeError for what JSON cannot hold, a lone surrogate among it
 */
export function canonicalBytes(statement: object): Uint8Array {
  let text: string | undefined;
  try {
    text = canonicalize(statement);
  } catch (cause) {
    throw new TypeError('JSON cannot hold this statement, half of a surrogate pair for example.', { cause });
  }
  if (text === undefined) throw new TypeError('JSON cannot hold this statement.');
  return new TextEncoder().encode(text);
}
