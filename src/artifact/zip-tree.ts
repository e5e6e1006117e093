import type { Readable } from 'node:stream';
import { fromBufferPromise, openPromise, type Entry, type ZipFile } from 'yauzl';
import { SequentialBytes } from './sequential-bytes.js';
import { unreadable, type ArtifactTree } from './tree.js';

/** Entries of the largest apps are some ten thousand. */
const MOST_ENTRIES = 200_000;
/** Code packs to a third; what unpacks to more than this many times its size is made to fill memory or time. Small files are let be. */
const MOST_RATIO = 200;
const SMALL = 1_048_576;
/** Of all that is unpacked of one artifact. */
const MOST_UNPACKED = 4 * 1024 ** 3;
const STRICT = { lazyEntries: true, autoClose: false, strictFileNames: true, validateEntrySizes: true } as const;
const FILE_TYPE = 0xf000;
const LINK = 0xa000;

const NEXT = 'Export the archive again, and fetch it whole.';

/** An .ipa. Only the files that are asked for are unpacked, and in memory. */
export class ZipTree implements ArtifactTree {
  private unpacked = 0;

  private constructor(
    private readonly named: string,
    private readonly zip: ZipFile,
    private readonly entries: ReadonlyMap<string, Entry>,
    private readonly folders: ReadonlyMap<string, ReadonlySet<string>>,
  ) {}

  /**
   * @param named as errors name it
   * @throws ResealError FILE_UNREADABLE where it is no ZIP archive, has names that lead out of it or twice the same, or is cut short
   */
  static async open(path: string, named: string): Promise<ZipTree> {
    return ZipTree.of(() => openPromise(path, STRICT), named);
  }

  /** Of one that is in memory already. @throws as `open` */
  static async ofBytes(bytes: Uint8Array, named: string): Promise<ZipTree> {
    return ZipTree.of(() => fromBufferPromise(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length), STRICT), named);
  }

  private static async of(opened: () => Promise<ZipFile>, named: string): Promise<ZipTree> {
    let zip: ZipFile;
    try {
      zip = await opened();
    } catch (cause) {
      throw unreadable(named, `it is no whole ZIP archive (${reasonOf(cause)})`, NEXT, cause);
    }
    try {
      const entries = await entriesOf(zip, named);
      return new ZipTree(named, zip, entries, foldersOf(entries.keys()));
    } catch (error) {
      zip.close();
      throw error;
    }
  }

  /** Of every entry, in the archive's order. */
  paths(): readonly string[] {
    return [...this.entries.keys()];
  }

  async children(folder: string): Promise<readonly string[]> {
    return [...(this.folders.get(folder) ?? [])].sort();
  }

  async read(path: string, most: number): Promise<Uint8Array | null> {
    const entry = this.entries.get(path);
    if (entry === undefined) return null;
    if (entry.uncompressedSize > most)
      throw unreadable(this.named, `${path} unpacks to ${entry.uncompressedSize} bytes, and no such file has more than ${most}`, NEXT);
    const bytes = await this.stream(entry);
    try {
      return Uint8Array.from(await bytes.take(most));
    } finally {
      await bytes.close();
    }
  }

  async open(path: string): Promise<SequentialBytes | null> {
    const entry = this.entries.get(path);
    return entry === undefined ? null : this.stream(entry);
  }

  place(): null {
    return null;
  }

  async close(): Promise<void> {
    this.zip.close();
  }

  private async stream(entry: Entry): Promise<SequentialBytes> {
    const name = entry.fileName;
    if (((entry.externalFileAttributes >>> 16) & FILE_TYPE) === LINK) throw unreadable(this.named, `${name} is a symbolic link`, NEXT);
    if (entry.isEncrypted()) throw unreadable(this.named, `${name} is encrypted`, 'Give the archive without a password.');
    if (entry.uncompressedSize > SMALL && entry.uncompressedSize > MOST_RATIO * entry.compressedSize)
      throw unreadable(
        this.named,
        `${name} unpacks from ${entry.compressedSize} to ${entry.uncompressedSize} bytes, which no app does`,
        NEXT,
      );
    this.unpacked += entry.uncompressedSize;
    if (this.unpacked > MOST_UNPACKED)
      throw unreadable(this.named, `what is needed of it unpacks to more than ${MOST_UNPACKED} bytes`, NEXT);
    try {
      return new SequentialBytes(guarded(await this.zip.openReadStreamPromise(entry), (cause) => this.damaged(name, cause)));
    } catch (cause) {
      throw this.damaged(name, cause);
    }
  }

  private damaged(name: string, cause: unknown): Error {
    return unreadable(this.named, `${name} does not unpack (${reasonOf(cause)})`, NEXT, cause);
  }
}

/** The pieces of a stream; what fails in it is said as `worded` has it. */
async function* guarded(stream: Readable, worded: (cause: unknown) => Error): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of stream) yield piece as Buffer;
  } catch (cause) {
    throw worded(cause);
  } finally {
    stream.destroy();
  }
}

async function entriesOf(zip: ZipFile, named: string): Promise<ReadonlyMap<string, Entry>> {
  if (zip.entryCount > MOST_ENTRIES) throw unreadable(named, `it has ${zip.entryCount} entries, more than any app`, NEXT);
  const entries = new Map<string, Entry>();
  try {
    for await (const entry of zip.eachEntry()) {
      if (entries.has(entry.fileName)) throw unreadable(named, `it holds ${entry.fileName} twice`, NEXT);
      entries.set(entry.fileName, entry);
    }
  } catch (cause) {
    if (cause instanceof Error && cause.name === 'ResealError') throw cause;
    throw unreadable(named, `its list of files cannot be trusted (${reasonOf(cause)})`, NEXT, cause);
  }
  return entries;
}

function foldersOf(paths: Iterable<string>): ReadonlyMap<string, ReadonlySet<string>> {
  const folders = new Map<string, Set<string>>();
  for (const path of paths) {
    const parts = path.split('/').filter((part) => part !== '');
    for (let depth = 0; depth < parts.length; depth += 1) {
      const folder = parts.slice(0, depth).join('/');
      const known = folders.get(folder) ?? new Set<string>();
      folders.set(folder, known.add(parts[depth] ?? ''));
    }
  }
  return folders;
}

const reasonOf = (cause: unknown): string => (cause instanceof Error ? cause.message.replace(/\.$/, '') : String(cause));
