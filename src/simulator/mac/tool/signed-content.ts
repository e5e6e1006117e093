import { definiteForm } from '../../../mac/definite-form.js';
import { childrenOf, oidHex, readDer, TAGS } from '../../../mac/der.js';

const SIGNED_DATA = '2a864886f70d010702';

/** The content of an attached SignedData (RFC 5652, 5.1), DER or BER; null where the bytes are none. */
export function contentOf(bytes: Uint8Array): Uint8Array | null {
  try {
    const [type, explicit] = childrenOf(readDer(definiteForm(bytes)));
    if (oidHex(type) !== SIGNED_DATA || explicit === undefined) return null;
    const [signedData] = childrenOf(explicit);
    const encapsulated = signedData && childrenOf(signedData).find((part) => part.tag === TAGS.sequence);
    const content = encapsulated && childrenOf(encapsulated).find((part) => part.tag === TAGS.context0);
    return (content && childrenOf(content)[0]?.content) ?? null;
  } catch {
    return null;
  }
}
