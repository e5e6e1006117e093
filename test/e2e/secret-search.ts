import { createPrivateKey } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';

/** What would be seen of these bytes, 32 of them at least, in base64, wherever in a longer one they begin and end. */
export const inBase64 = (bytes: Uint8Array): readonly string[] =>
  [0, 1, 2].map((offset) =>
    Buffer.concat([Buffer.alloc(offset), bytes])
      .toString('base64')
      .slice(4, 40),
  );

/** How bytes would be seen: in base64 of either alphabet, and in hexadecimal. */
export const bytesSigns = (bytes: Uint8Array): readonly string[] => [
  ...inBase64(bytes),
  Buffer.from(bytes).toString('base64url').slice(4, 40),
  Buffer.from(bytes).toString('hex').slice(0, 40),
];

/** How a private key would be seen: its secret number, in PEM, PKCS#1, PKCS#8 or JWK, and in hexadecimal. */
export function keySigns(pem: string): readonly string[] {
  return bytesSigns(Buffer.from(createPrivateKey(pem).export({ format: 'jwk' }).d ?? '', 'base64url'));
}

/** Text as it is searched: a PEM in a JSON string, or in one of one line, has its line breaks escaped or not at all. */
export const withoutBreaks = (text: string): string => text.replaceAll(/\\+n|\n/g, '');

/** Arguments of every process of this machine that was there at one of many looks. */
export class ProcessList {
  private readonly seen = new Set<string>();
  private readonly timer = setInterval(() => this.look(), 25);

  private look(): void {
    for (const pid of readdirSync('/proc')) {
      if (!/^\d+$/.test(pid)) continue;
      try {
        this.seen.add(readFileSync(`/proc/${pid}/cmdline`, 'utf8'));
      } catch {
        // It has ended meanwhile.
      }
    }
  }

  stop(): string {
    clearInterval(this.timer);
    return [...this.seen].join('\n');
  }
}

/** Every file below a folder, by its path in there; files that go meanwhile, and what is no file, are passed over. */
export function* filesBelow(folder: string): Generator<readonly [path: string, bytes: Buffer]> {
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    try {
      yield [relative(folder, path), readFileSync(path)];
    } catch {
      // It has gone meanwhile.
    }
  }
}
