/** Bytes by digest, least recently used dropped first; bounded by the sum of their sizes. */
export class ContentCache {
  private readonly entries = new Map<string, Uint8Array>();
  private size = 0;

  /** @param limit in bytes. */
  constructor(private readonly limit: number) {}

  get(digest: string): Uint8Array | undefined {
    const bytes = this.entries.get(digest);
    if (bytes === undefined) return undefined;
    this.entries.delete(digest);
    this.entries.set(digest, bytes);
    return bytes;
  }

  put(digest: string, bytes: Uint8Array): void {
    if (this.entries.has(digest) || bytes.length > this.limit) return;
    this.entries.set(digest, bytes);
    this.size += bytes.length;
    for (const [oldest, dropped] of this.entries) {
      if (this.size <= this.limit) return;
      this.entries.delete(oldest);
      this.size -= dropped.length;
    }
  }
}
