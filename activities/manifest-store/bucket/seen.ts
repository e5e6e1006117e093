import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { LineName, Sha256 } from '../../../src/domain/brands.js';

/** How far a line had come when this machine last looked. */
export interface SeenLine {
  readonly head: { readonly seq: number; readonly digest: Sha256 } | null;
  /** The highest rotation number; 0 for none. */
  readonly number: number;
}

const NOTHING: SeenLine = { head: null, number: 0 };

/**
 * What this machine has seen of a bucket. Heads and numbers only grow there; who takes versions away, or puts an older copy in its place, would have
 * epochs allotted twice. A process that writes later what it saw earlier makes the memory shorter, never wrong.
 */
export class Seen {
  constructor(
    /** Absolute. */
    readonly folder: string,
  ) {}

  /** Ask before the bucket is read: what is read afterwards cannot be older. */
  async line(line: LineName): Promise<SeenLine> {
    return { ...NOTHING, ...((await this.read(`line-${line}`)) as Partial<SeenLine> | null) };
  }

  async rememberLine(line: LineName, change: Partial<SeenLine>): Promise<void> {
    const known = await this.line(line);
    const head = (change.head?.seq ?? 0) > (known.head?.seq ?? 0) ? (change.head ?? null) : known.head;
    const number = Math.max(known.number, change.number ?? 0);
    if (head === known.head && number === known.number) return;
    await this.write(`line-${line}`, { head, number });
  }

  /** The id that the store was given when it was begun; null where this machine has never seen it. */
  async storeId(): Promise<string | null> {
    const known = (await this.read('store')) as { readonly id?: unknown } | null;
    return typeof known?.id === 'string' ? known.id : null;
  }

  async rememberStore(id: string): Promise<void> {
    if ((await this.storeId()) !== id) await this.write('store', { id });
  }

  private async read(name: string): Promise<unknown> {
    const text = await readFile(join(this.folder, `${name}.json`), 'utf8').catch(() => 'null');
    try {
      return JSON.parse(text) as unknown;
    } catch {
      return null;
    }
  }

  private async write(name: string, value: unknown): Promise<void> {
    await mkdir(this.folder, { recursive: true, mode: 0o700 });
    const path = join(this.folder, `${name}.json`);
    const fresh = `${path}.${randomUUID()}`;
    await writeFile(fresh, `${JSON.stringify(value)}\n`, { mode: 0o600 });
    await rename(fresh, path);
  }
}
