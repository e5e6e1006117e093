import { createHash } from 'node:crypto';

/** The signature of a thin Mach-O file, as it is written there (Apple's cs_blobs.h): nothing is verified. */
export interface CodeSignature {
  readonly codeDirectory: CodeDirectory;
  /** Further code directories, with other digests; the last one is the strongest. */
  readonly alternates: readonly CodeDirectory[];
  /** Blobs by slot, whole: what special slots digest. */
  readonly blobs: ReadonlyMap<number, Uint8Array>;
  /** The CMS signature, BER as codesign writes it or DER; null for an ad hoc one. */
  readonly cms: Uint8Array | null;
}

export interface CodeDirectory {
  readonly bytes: Uint8Array;
  readonly version: number;
  readonly flags: number;
  readonly identifier: string;
  readonly team: string | null;
  readonly digest: 'sha1' | 'sha256';
  readonly pageSize: number;
  /** Bytes of the file that pages cover. */
  readonly codeLimit: number;
  /** Digests of pages, hexadecimal. */
  readonly code: readonly string[];
  /** Digests of special slots, hexadecimal, by positive slot number; zeros where a slot is unused. */
  readonly special: ReadonlyMap<number, string>;
  readonly executableSegment: { readonly base: bigint; readonly limit: bigint; readonly flags: bigint } | null;
}

/** A Mach-O file with what `codesign -d` tells of its header. */
export interface MachO {
  readonly bytes: Uint8Array;
  readonly architecture: string;
  /** LC_BUILD_VERSION; versions as the number in the file. */
  readonly build: { readonly platform: number; readonly minimum: number; readonly sdk: number } | null;
  readonly signature: CodeSignature | null;
}

export const SLOTS = {
  info: 1,
  requirements: 2,
  resources: 3,
  entitlements: 5,
  entitlementsDer: 7,
  alternate: 0x1000,
  cms: 0x10000,
} as const;
export const ADHOC = 0x2;

const MAGIC_64 = 0xfeedfacf;
const LC_CODE_SIGNATURE = 0x1d;
const LC_BUILD_VERSION = 0x32;
const ARCHITECTURES: Readonly<Record<number, string>> = { 0x0100000c: 'arm64', 0x01000007: 'x86_64' };

/** Null where the bytes are no thin 64-bit Mach-O file; universal ones are not simulated. @throws RangeError where it is cut short or says impossible lengths */
export function readMachO(bytes: Uint8Array): MachO | null {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (file.length < 32 || file.readUInt32LE(0) !== MAGIC_64) return null;
  let build: MachO['build'] = null;
  let signature: CodeSignature | null = null;
  for (let at = 32, left = file.readUInt32LE(16), size: number; left > 0; left -= 1, at += size) {
    const command = file.readUInt32LE(at);
    size = file.readUInt32LE(at + 4);
    // A load command of no length would be read four billion times.
    if (size < 8) throw new RangeError(`a load command at byte ${at} that says it is ${size} bytes long`);
    if (command === LC_BUILD_VERSION)
      build = { platform: file.readUInt32LE(at + 8), minimum: file.readUInt32LE(at + 12), sdk: file.readUInt32LE(at + 16) };
    if (command === LC_CODE_SIGNATURE) signature = readSuperBlob(file.subarray(file.readUInt32LE(at + 8)));
  }
  return { bytes, architecture: ARCHITECTURES[file.readUInt32LE(4)] ?? 'unknown', build, signature };
}

/** The embedded signature that LC_CODE_SIGNATURE names; null where it has no code directory. @throws RangeError where it is cut short */
export function readSuperBlob(blob: Buffer): CodeSignature | null {
  const blobs = new Map<number, Uint8Array>();
  for (let index = 0; index < blob.readUInt32BE(8); index += 1) {
    const offset = blob.readUInt32BE(16 + index * 8);
    blobs.set(blob.readUInt32BE(12 + index * 8), blob.subarray(offset, offset + blob.readUInt32BE(offset + 4)));
  }
  const first = blobs.get(0);
  if (first === undefined) return null;
  const alternates = [...blobs]
    .filter(([slot]) => slot >= SLOTS.alternate && slot < SLOTS.cms)
    .map(([, bytes]) => readCodeDirectory(bytes));
  // Behind magic and length, eight bytes.
  const cms = blobs.get(SLOTS.cms)?.subarray(8);
  return { codeDirectory: readCodeDirectory(first), alternates, blobs, cms: cms === undefined || cms.length === 0 ? null : cms };
}

function readCodeDirectory(bytes: Uint8Array): CodeDirectory {
  const blob = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = blob.readUInt32BE(8);
  const hashes = blob.readUInt32BE(16);
  const size = blob.readUInt8(36);
  const [special, code] = [blob.readUInt32BE(24), blob.readUInt32BE(28)];
  // A count that the bytes have no room for would be taken at its word below.
  if (size === 0 || special * size > hashes || hashes + code * size > blob.length)
    throw new RangeError(`a code directory of ${blob.length} bytes that says it has ${special} and ${code} digests`);
  const teamOffset = version >= 0x20200 ? blob.readUInt32BE(48) : 0;
  const text = (offset: number): string => blob.toString('utf8', offset, blob.indexOf(0, offset));
  const digestAt = (slot: number): string => blob.toString('hex', hashes + slot * size, hashes + (slot + 1) * size);
  return {
    bytes,
    version,
    flags: blob.readUInt32BE(12),
    identifier: text(blob.readUInt32BE(20)),
    team: teamOffset === 0 ? null : text(teamOffset),
    digest: blob.readUInt8(37) === 1 ? 'sha1' : 'sha256',
    pageSize: 2 ** blob.readUInt8(39),
    codeLimit: blob.readUInt32BE(32),
    code: Array.from({ length: code }, (_, slot) => digestAt(slot)),
    special: new Map(Array.from({ length: special }, (_, index) => [index + 1, digestAt(-index - 1)])),
    executableSegment:
      version >= 0x20400 ? { base: blob.readBigUInt64BE(64), limit: blob.readBigUInt64BE(72), flags: blob.readBigUInt64BE(80) } : null,
  };
}

/** Digest of a code directory, hexadecimal and whole; a CDHash is its first twenty bytes. */
export const codeDirectoryDigest = (directory: CodeDirectory): string => createHash(directory.digest).update(directory.bytes).digest('hex');

/** The slots of pages whose digest differs. */
export function changedPages(file: Uint8Array, directory: CodeDirectory): readonly number[] {
  return directory.code.flatMap((expected, page) => {
    const end = Math.min((page + 1) * directory.pageSize, directory.codeLimit);
    const found = createHash(directory.digest)
      .update(file.subarray(page * directory.pageSize, end))
      .digest('hex');
    return found === expected ? [] : [page];
  });
}
