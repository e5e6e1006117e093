import * as asn1js from 'asn1js';
import { readDer, type Der } from './der.js';

const UNIVERSAL = 1;
const OCTET_STRING = 4;
const CONSTRUCTED = 0x20;
/** Values that are read of one file: as many as asn1js reads. Apple's profiles have some 400. */
const MOST_VALUES = 10_000;

/**
 * Rewrites BER as DER as far as CMS needs it: definite lengths, and octet strings in one piece. A file that is DER already
 * comes back byte for byte. Signatures inside are made over DER (RFC 5652, 5.4 and 5.5), so they survive this.
 *
 * @returns one value, in which every length is definite, as short as can be, and exactly that of what it is for
 * @throws Error where the bytes are not one BER value, or where something follows it
 */
export function definiteForm(bytes: Uint8Array): Uint8Array {
  // Apple's profiles are DER: the reader of BER, which takes milliseconds, is for signatures of codesign, and for what others have written again.
  if (isDefinite(bytes)) return bytes;
  const { offset, result } = asn1js.fromBER(bytes);
  if (offset === -1) throw new Error(result.error || 'not BER');
  if (offset !== bytes.length) throw new Error(`${bytes.length - offset} bytes follow the end of the structure`);
  const rewritten = encode(result);
  if (!isDefinite(rewritten)) throw new Error('its encoding is damaged');
  return rewritten;
}

/** Whether the bytes are what `definiteForm` returns. Reads no further than the first thing that is not. */
function isDefinite(bytes: Uint8Array): boolean {
  try {
    const first = readDer(bytes);
    return first.whole.length === bytes.length && allDefinite(first);
  } catch {
    // A length that is indefinite, or longer than what is left.
    return false;
  }
}

function allDefinite(value: Der): boolean {
  /** Of each structure that is open what has not been read. */
  const open = [value.whole];
  for (let read = 0; read < MOST_VALUES; read += 1) {
    while (open.at(-1)?.length === 0) open.pop();
    const rest = open.pop();
    if (rest === undefined) return true;
    const next = readDer(rest);
    if (!isShortest(next)) return false;
    open.push(rest.subarray(next.whole.length));
    if ((next.tag & CONSTRUCTED) !== 0) open.push(next.content);
  }
  return false;
}

/** Whether header and tag are as DER has them (X.690, 10.1 and 10.2), with a tag that CMS and certificates use. */
function isShortest({ tag, whole, content }: Der): boolean {
  if (tag === 0 || (tag & 0x1f) === 0x1f || tag === (OCTET_STRING | CONSTRUCTED)) return false;
  return whole.length - content.length === (content.length < 0x80 ? 2 : 2 + lengthBytes(content.length).length);
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
