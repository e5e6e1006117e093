/** Bytes that come in pieces, read forwards once: of a large executable only what is asked for is kept in memory. */
export class SequentialBytes {
  private readonly pieces: AsyncIterator<Uint8Array>;
  private rest: Uint8Array = new Uint8Array();
  private at = 0;

  constructor(source: AsyncIterable<Uint8Array>) {
    this.pieces = source[Symbol.asyncIterator]();
  }

  /** Offset of the next byte. */
  get position(): number {
    return this.at;
  }

  /**
   * The next `length` bytes; fewer where the source ends before.
   * @param length the caller's limit on memory
   */
  async take(length: number): Promise<Buffer> {
    const taken: Uint8Array[] = [];
    for (let missing = length; missing > 0 && (await this.more());) {
      const piece = this.rest.subarray(0, missing);
      taken.push(piece);
      this.advance(piece.length);
      missing -= piece.length;
    }
    return Buffer.concat(taken);
  }

  /** Goes on to an offset ahead; false where the source ends before it. @throws RangeError for an offset that has passed */
  async skipTo(offset: number): Promise<boolean> {
    if (offset < this.at) throw new RangeError(`offset ${offset} lies before ${this.at}, which has been read`);
    while (this.at < offset && (await this.more())) this.advance(Math.min(this.rest.length, offset - this.at));
    return this.at === offset;
  }

  private async more(): Promise<boolean> {
    while (this.rest.length === 0) {
      const next = await this.pieces.next();
      if (next.done === true) return false;
      this.rest = next.value;
    }
    return true;
  }

  private advance(count: number): void {
    this.rest = this.rest.subarray(count);
    this.at += count;
  }

  /** Lets go of the source. */
  async close(): Promise<void> {
    await this.pieces.return?.();
  }
}
