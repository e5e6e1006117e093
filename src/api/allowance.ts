/** Whoever is asked about longest ago is forgotten where more ask: a bucket is a few bytes, and an attacker has many addresses. */
const MOST_KEPT = 10_000;

interface Bucket {
  left: number;
  at: number;
}

/** So many requests a minute for each of many, spent at any pace: what was spent comes back evenly. */
export class Allowance {
  private readonly buckets = new Map<string, Bucket>();

  /** @param clock milliseconds */
  constructor(
    private readonly perMinute: number,
    private readonly clock: () => number,
  ) {}

  /** Spends one. Null, or the whole seconds after which there is one again; then nothing was spent. */
  take(whose: string): number | null {
    const bucket = this.bucketOf(whose);
    if (bucket.left < 1) return this.waitOf(bucket);
    bucket.left -= 1;
    return null;
  }

  /** As `take`, without spending one. */
  look(whose: string): number | null {
    const bucket = this.bucketOf(whose);
    return bucket.left < 1 ? this.waitOf(bucket) : null;
  }

  private waitOf({ left }: Bucket): number {
    return Math.max(1, Math.ceil(((1 - left) * 60) / this.perMinute));
  }

  private bucketOf(whose: string): Bucket {
    const now = this.clock();
    const known = this.buckets.get(whose);
    const bucket = known ?? { left: this.perMinute, at: now };
    bucket.left = Math.min(this.perMinute, bucket.left + ((now - bucket.at) * this.perMinute) / 60_000);
    bucket.at = now;
    // At the end of the order in which they are forgotten.
    this.buckets.delete(whose);
    this.buckets.set(whose, bucket);
    const [oldest] = this.buckets.keys();
    if (this.buckets.size > MOST_KEPT && oldest !== undefined) this.buckets.delete(oldest);
    return bucket;
  }
}

/** What of an address is one customer: of IPv6 the first 64 bits, of which somebody has all (RFC 6177). */
export function neighbourhood(address: string): string {
  const plain = address.replace(/^::ffff:(?=\d+\.)/, '');
  if (!plain.includes(':')) return plain;
  const [head = '', tail = ''] = plain.split('::');
  const before = head === '' ? [] : head.split(':');
  const after = tail === '' ? [] : tail.split(':');
  const zeros = Array<string>(Math.max(0, 8 - before.length - after.length)).fill('0');
  return `${[...before, ...zeros, ...after].slice(0, 4).join(':')}::/64`;
}
