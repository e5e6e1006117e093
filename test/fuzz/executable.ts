/** A thin Mach-O file that is all signature (Apple's loader.h and cs_blobs.h): every field of it is one that is read. */
export function smallExecutable(): Uint8Array {
  const signature = superBlob([
    [0, codeDirectory()],
    [0x1000, codeDirectory()],
    [0x10000, blob(0xfade0b01, Buffer.from('3080', 'hex'))],
  ]);
  const header = little(0xfeedfacf, 0x0100000c, 0, 2, 2, 16 + 24, 0, 0);
  const commands = [little(0x32, 24, 2, 0x100000, 0x120500, 0), little(0x1d, 16, 32 + 40, signature.length)];
  return Buffer.concat([header, ...commands, signature]);
}

function codeDirectory(): Buffer {
  const [special, pages, size] = [2, 3, 32];
  const texts = Buffer.from('com.acme.courier\x009QK4T7XW2B\x00');
  const [identifier, hashes] = [88, 88 + texts.length + special * size];
  const fixed = Buffer.alloc(80);
  [0x20400, 0, hashes, identifier, special, pages, 12_288].forEach((number, index) => fixed.writeUInt32BE(number, index * 4));
  Buffer.from([size, 2, 0, 12]).copy(fixed, 28);
  fixed.writeUInt32BE(identifier + 'com.acme.courier'.length + 1, 40);
  return blob(0xfade0c02, Buffer.concat([fixed, texts, Buffer.alloc((special + pages) * size, 7)]));
}

function superBlob(blobs: readonly (readonly [slot: number, bytes: Buffer])[]): Buffer {
  const begin = 12 + blobs.length * 8;
  const offsets = blobs.map((_, index) => begin + blobs.slice(0, index).reduce((sum, [, bytes]) => sum + bytes.length, 0));
  const index = blobs.flatMap(([slot], position) => [slot, offsets[position] ?? 0]);
  return blob(0xfade0cc0, Buffer.concat([big(blobs.length, ...index), ...blobs.map(([, bytes]) => bytes)]));
}

const blob = (magic: number, content: Buffer): Buffer => Buffer.concat([big(magic, 8 + content.length), content]);

function big(...numbers: readonly number[]): Buffer {
  const buffer = Buffer.alloc(numbers.length * 4);
  numbers.forEach((number, index) => buffer.writeUInt32BE(number, index * 4));
  return buffer;
}

function little(...numbers: readonly number[]): Buffer {
  return big(...numbers).swap32();
}
