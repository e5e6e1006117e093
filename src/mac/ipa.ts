import { inflateRawSync } from 'node:zlib';

const END = 0x06054b50;
const CENTRAL = 0x02014b50;
const LOCAL = 0x04034b50;
/** The end record and the longest comment behind it (APPNOTE.TXT 6.3, 4.3.16). */
const END_AT_MOST = 22 + 0xffff;
/** A profile has some ten kilobytes; what unpacks to more than this is none. */
const MOST_BYTES = 1_048_576;

/** The embedded profiles of an .ipa, by path inside it. null: it is no ZIP archive that can be read (APPNOTE.TXT 6.3; no ZIP64). */
export function profilesInIpa(bytes: Uint8Array): ReadonlyMap<string, Uint8Array> | null {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  try {
    return read(file);
  } catch (error) {
    // An offset beyond the end, or what does not unpack.
    if (error instanceof RangeError || (error instanceof Error && 'code' in error)) return null;
    throw error;
  }
}

function read(file: Buffer): ReadonlyMap<string, Uint8Array> | null {
  const end = endRecord(file);
  if (end === null) return null;
  const profiles = new Map<string, Uint8Array>();
  let at = file.readUInt32LE(end + 16);
  for (let left = file.readUInt16LE(end + 10); left > 0; left -= 1) {
    if (file.readUInt32LE(at) !== CENTRAL) return null;
    const nameEnd = at + 46 + file.readUInt16LE(at + 28);
    const name = file.toString('utf8', at + 46, nameEnd);
    if (name.endsWith('/embedded.mobileprovision')) profiles.set(name, content(file, at));
    at = nameEnd + file.readUInt16LE(at + 30) + file.readUInt16LE(at + 32);
  }
  return profiles;
}

function endRecord(file: Buffer): number | null {
  for (let at = file.length - 22; at >= Math.max(0, file.length - END_AT_MOST); at -= 1) if (file.readUInt32LE(at) === END) return at;
  return null;
}

function content(file: Buffer, central: number): Uint8Array {
  const local = file.readUInt32LE(central + 42);
  if (file.readUInt32LE(local) !== LOCAL) throw new RangeError('no local header there');
  const start = local + 30 + file.readUInt16LE(local + 26) + file.readUInt16LE(local + 28);
  const packed = file.subarray(start, start + file.readUInt32LE(central + 20));
  return file.readUInt16LE(central + 10) === 0 ? packed : inflateRawSync(packed, { maxOutputLength: MOST_BYTES });
}
