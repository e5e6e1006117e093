import { readSuperBlob, type CodeSignature } from '../mac/code-signature.js';
import type { SequentialBytes } from './sequential-bytes.js';

/** Apple's <mach-o/loader.h> and <mach-o/fat.h>. Watches have 32-bit headers (arm64_32), universal files several slices. */
const MAGIC = { thin32: 0xfeedface, thin64: 0xfeedfacf, fat32: 0xcafebabe, fat64: 0xcafebabf } as const;
const LC_CODE_SIGNATURE = 0x1d;
/** Java's class files begin as universal files do; the number of slices tells them apart. */
const MOST_SLICES = 16;
/** Of the largest apps they have some ten kilobytes. */
const MOST_COMMANDS = 1_048_576;
/** Two digests per four kilobytes of code: enough for 2 GB. */
const MOST_SIGNATURE = 64 * 1_048_576;

/** `slices` is empty for code without a signature. */
export type ReadExecutable =
  | { readonly kind: 'not-code' }
  | { readonly kind: 'damaged'; readonly reason: string }
  | { readonly kind: 'code'; readonly slices: readonly (CodeSignature | null)[] };

/** Reads the embedded signatures of an executable, one per slice, and nothing of the code that they are for. */
export async function readExecutable(bytes: SequentialBytes): Promise<ReadExecutable> {
  try {
    const header = await bytes.take(32);
    if (header.length < 32) return { kind: 'not-code' };
    const fat = header.readUInt32BE(0);
    if (fat === MAGIC.fat32 || fat === MAGIC.fat64) return await universal(bytes, header, fat === MAGIC.fat64 ? 32 : 20);
    if (headerSize(header) === null) return { kind: 'not-code' };
    return { kind: 'code', slices: [await thin(bytes, header, 0)] };
  } catch (error) {
    if (error instanceof RangeError) return { kind: 'damaged', reason: `it is damaged or cut short (${error.message})` };
    throw error;
  }
}

async function universal(bytes: SequentialBytes, header: Buffer, entrySize: 20 | 32): Promise<ReadExecutable> {
  const count = header.readUInt32BE(4);
  if (count === 0 || count > MOST_SLICES) return { kind: 'not-code' };
  const table = Buffer.concat([header.subarray(8), await bytes.take(Math.max(0, count * entrySize - 24))]);
  const offsets = Array.from({ length: count }, (_, index) =>
    entrySize === 20 ? table.readUInt32BE(index * entrySize + 8) : Number(table.readBigUInt64BE(index * entrySize + 8)),
  ).sort((a, b) => a - b);
  const slices: (CodeSignature | null)[] = [];
  for (const offset of offsets) {
    if (!(await bytes.skipTo(offset))) throw new RangeError(`a slice begins at ${offset}, behind the end`);
    slices.push(await thin(bytes, await bytes.take(32), offset));
  }
  return { kind: 'code', slices };
}

/** @param header the first 32 bytes, read already */
async function thin(bytes: SequentialBytes, header: Buffer, base: number): Promise<CodeSignature | null> {
  const size = headerSize(header);
  if (size === null) throw new RangeError(`no Mach-O header at ${base}`);
  const commandsSize = header.readUInt32LE(20);
  if (commandsSize > MOST_COMMANDS) throw new RangeError(`load commands of ${commandsSize} bytes`);
  const commands = Buffer.concat([header.subarray(size), await bytes.take(Math.max(0, commandsSize - (32 - size)))]);
  const place = signaturePlace(commands, header.readUInt32LE(16));
  if (place === null) return null;
  if (place.size > MOST_SIGNATURE) throw new RangeError(`a signature of ${place.size} bytes`);
  if (!(await bytes.skipTo(base + place.offset))) throw new RangeError(`a signature at ${place.offset}, behind the end`);
  const blob = await bytes.take(place.size);
  if (blob.length < place.size) throw new RangeError(`a signature of ${place.size} bytes where ${blob.length} are left`);
  return readSuperBlob(blob);
}

function signaturePlace(commands: Buffer, count: number): { readonly offset: number; readonly size: number } | null {
  for (let at = 0, left = count; left > 0 && at + 8 <= commands.length; left -= 1) {
    const size = commands.readUInt32LE(at + 4);
    if (size < 8) throw new RangeError(`a load command of ${size} bytes`);
    if (commands.readUInt32LE(at) === LC_CODE_SIGNATURE)
      return { offset: commands.readUInt32LE(at + 8), size: commands.readUInt32LE(at + 12) };
    at += size;
  }
  return null;
}

function headerSize(header: Buffer): 28 | 32 | null {
  if (header.length < 32) return null;
  switch (header.readUInt32LE(0)) {
    case MAGIC.thin32:
      return 28;
    case MAGIC.thin64:
      return 32;
    default:
      return null;
  }
}
