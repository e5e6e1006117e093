import * as asn1js from 'asn1js';

const UNIVERSAL = 1;
const OCTET_STRING = 4;

/**
 * Rewrites BER as DER as far as CMS needs it: definite lengths, and octet strings in one piece. A file that is DER already
 * comes back byte for byte. Signatures inside are made over DER (RFC 5652, 5.4 and 5.5), so they survive this.
 *
 * @throws Error where the bytes are not one BER value, or where something follows it
 */
export function definiteForm(bytes: Uint8Array): Uint8Array {
  const { offset, result } = asn1js.fromBER(bytes);
  if (offset === -1) throw new Error(result.error || 'not BER');
  if (offset !== bytes.length) throw new Error(`${bytes.length - offset} bytes follow the end of the structure`);
  return encode(result);
}

function encode(block: asn1js.AsnType): Uint8Array {
  const { tagClass, tagNumber, isConstructed } = block.idBlock;
  if (!isConstructed) return block.valueBeforeDecodeView;
  const inside = children(block);
  refuseWrongLength(block, inside);
  const parts = inside.map(encode);
  if (tagClass === UNIVERSAL && tagNumber === OCTET_STRING) return withHeader(OCTET_STRING, parts.map(contents));
  if (tagNumber > 30) throw new Error(`tag ${tagNumber} is not used in CMS`);
  return withHeader(((tagClass - 1) << 6) | 0x20 | tagNumber, parts);
}

/** asn1js reads what is inside a structure to its own end and does not hold it against the length that the structure announces. */
function refuseWrongLength(block: asn1js.AsnType, inside: readonly asn1js.AsnType[]): void {
  const { isIndefiniteForm, length } = block.lenBlock;
  const found = inside.reduce((sum, one) => sum + one.valueBeforeDecodeView.length, 0);
  if (!isIndefiniteForm && found !== length) throw new Error(`a structure announces ${length} bytes and holds ${found}`);
}

function children(block: asn1js.AsnType): asn1js.AsnType[] {
  const value: unknown = 'value' in block.valueBlock ? block.valueBlock.value : [];
  return Array.isArray(value)
    ? value.filter((one): one is asn1js.AsnType => one instanceof asn1js.BaseBlock && !(one instanceof asn1js.EndOfContent))
    : [];
}

/** The value of a definite-length encoding with a one-byte tag. */
function contents(encoded: Uint8Array): Uint8Array {
  const length = encoded[1] ?? 0;
  return encoded.subarray(length < 0x80 ? 2 : 2 + (length & 0x7f));
}

function withHeader(tag: number, parts: readonly Uint8Array[]): Uint8Array {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  const header = length < 0x80 ? [tag, length] : [tag, 0x80 | lengthBytes(length).length, ...lengthBytes(length)];
  return Buffer.concat([Uint8Array.from(header), ...parts]);
}

function lengthBytes(length: number): number[] {
  const bytes: number[] = [];
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return bytes;
}
