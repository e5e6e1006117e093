/** One value of DER (X.690), as far as certificates, CMS and code signatures use it. */
export interface Der {
  /** The identifier octet. */
  readonly tag: number;
  /** With its header. */
  readonly whole: Uint8Array;
  readonly content: Uint8Array;
}

export const TAGS = { integer: 0x02, octetString: 0x04, oid: 0x06, sequence: 0x30, set: 0x31, context0: 0xa0 } as const;

/** The value that the bytes begin with. @throws Error where they end before it does */
export function readDer(bytes: Uint8Array): Der {
  const [tag, first] = bytes;
  if (tag === undefined || first === undefined) throw new Error('a DER value ends before its length');
  const lengthBytes = first < 0x80 ? 0 : first & 0x7f;
  if (lengthBytes > 4 || first === 0x80) throw new Error('a DER value of indefinite or excessive length');
  const length = lengthBytes === 0 ? first : bytes.subarray(2, 2 + lengthBytes).reduce((value, byte) => value * 256 + byte, 0);
  const start = 2 + lengthBytes;
  if (start + length > bytes.length) throw new Error(`a DER value of ${length} bytes where ${bytes.length - start} are left`);
  return { tag, whole: bytes.subarray(0, start + length), content: bytes.subarray(start, start + length) };
}

/** The values inside a constructed one. */
export function childrenOf(value: Der): readonly Der[] {
  const found: Der[] = [];
  for (let rest = value.content; rest.length > 0;) {
    const child = readDer(rest);
    found.push(child);
    rest = rest.subarray(child.whole.length);
  }
  return found;
}

/** An object identifier's content in hexadecimal, which is how they are compared here. */
export const oidHex = (value: Der | undefined): string => (value?.tag === TAGS.oid ? Buffer.from(value.content).toString('hex') : '');
