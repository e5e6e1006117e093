/** Reads the types of RFC 4251, section 5. @throws RangeError where bytes are missing or left over */
export class SshReader {
  private at = 0;
  private readonly view: DataView;

  constructor(private readonly bytes: Uint8Array) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  take(length: number): Uint8Array {
    if (this.at + length > this.bytes.length) throw new RangeError('it ends too early');
    this.at += length;
    return this.bytes.subarray(this.at - length, this.at);
  }

  byte(): number {
    return this.take(1)[0] ?? 0;
  }

  uint32(): number {
    this.take(4);
    return this.view.getUint32(this.at - 4);
  }

  string(): Uint8Array {
    return this.take(this.uint32());
  }

  /** Names of algorithms and namespaces. */
  text(): string {
    const bytes = this.string();
    try {
      return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    } catch {
      throw new RangeError('it holds a name that is no UTF-8');
    }
  }

  /** A positive number, without leading zeros. */
  mpint(): Uint8Array {
    const bytes = this.string();
    if (((bytes[0] ?? 0) & 0x80) !== 0) throw new RangeError('it holds a negative number');
    const first = bytes.findIndex((byte) => byte !== 0);
    return first < 0 ? new Uint8Array() : bytes.subarray(first);
  }

  end(): void {
    if (this.at !== this.bytes.length) throw new RangeError('it holds more than it should');
  }
}

/** A string of RFC 4251: its length in four bytes, then its bytes. */
export function sshString(content: Uint8Array | string): Uint8Array {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  const result = new Uint8Array(4 + bytes.length);
  new DataView(result.buffer).setUint32(0, bytes.length);
  result.set(bytes, 4);
  return result;
}
