/**
 * The smallest program for iPhones that a code signature can be put into (Mach-O, 64 bit, arm64; <mach-o/loader.h>): it returns at once.
 * Between load commands and code there is room for the command that a signature adds.
 */
export function iPhoneExecutable(): Uint8Array {
  const commands = [
    segment('__PAGEZERO', { address: 0n, size: BASE, offset: 0, fileSize: 0, protection: 0 }),
    segment('__TEXT', { address: BASE, size: BigInt(PAGE), offset: 0, fileSize: PAGE, protection: READ_EXECUTE }, textSection()),
    segment('__LINKEDIT', { address: BASE + BigInt(PAGE), size: BigInt(PAGE), offset: PAGE, fileSize: LINKEDIT, protection: READ }),
    words(LC_SYMTAB, 24, PAGE, 0, PAGE, LINKEDIT),
    words(LC_BUILD_VERSION, 24, PLATFORM_IOS, version(16, 0), version(18, 5), 0),
    words(LC_MAIN, 24, CODE, 0, 0, 0),
  ];
  const size = commands.reduce((sum, command) => sum + command.length, 0);
  const header = words(MAGIC, CPU_ARM64, 0, MH_EXECUTE, commands.length, size, MH_PIE | MH_TWOLEVEL | MH_DYLDLINK | MH_NOUNDEFS, 0);
  const file = Buffer.alloc(PAGE + LINKEDIT);
  Buffer.concat([header, ...commands]).copy(file);
  words(...MOV_W0_0_RET).copy(file, CODE);
  return file;
}

const MAGIC = 0xfeedfacf;
const CPU_ARM64 = 0x0100000c;
const MH_EXECUTE = 2;
const [MH_NOUNDEFS, MH_DYLDLINK, MH_TWOLEVEL, MH_PIE] = [0x1, 0x4, 0x80, 0x200000];
const LC_SEGMENT_64 = 0x19;
const LC_SYMTAB = 0x2;
const LC_BUILD_VERSION = 0x32;
const LC_MAIN = 0x80000028;
const PLATFORM_IOS = 2;
const READ = 1;
const READ_EXECUTE = 5;
const BASE = 0x1_0000_0000n;
/** Of arm64. */
const PAGE = 0x4000;
const CODE = 0x3f00;
const LINKEDIT = 16;
const MOV_W0_0_RET = [0x52800000, 0xd65f03c0];

interface Place {
  readonly address: bigint;
  readonly size: bigint;
  readonly offset: number;
  readonly fileSize: number;
  readonly protection: number;
}

function segment(name: string, place: Place, section: Buffer | null = null): Buffer {
  const command = Buffer.alloc(72);
  command.writeUInt32LE(LC_SEGMENT_64, 0);
  command.writeUInt32LE(72 + (section?.length ?? 0), 4);
  command.write(name, 8);
  command.writeBigUInt64LE(place.address, 24);
  command.writeBigUInt64LE(place.size, 32);
  command.writeBigUInt64LE(BigInt(place.offset), 40);
  command.writeBigUInt64LE(BigInt(place.fileSize), 48);
  command.writeUInt32LE(place.protection, 56);
  command.writeUInt32LE(place.protection, 60);
  command.writeUInt32LE(section === null ? 0 : 1, 64);
  return section === null ? command : Buffer.concat([command, section]);
}

function textSection(): Buffer {
  const section = Buffer.alloc(80);
  section.write('__text', 0);
  section.write('__TEXT', 16);
  section.writeBigUInt64LE(BASE + BigInt(CODE), 32);
  section.writeBigUInt64LE(BigInt(MOV_W0_0_RET.length * 4), 40);
  section.writeUInt32LE(CODE, 48);
  section.writeUInt32LE(2, 52);
  // Instructions, and nothing else: S_ATTR_PURE_INSTRUCTIONS, S_ATTR_SOME_INSTRUCTIONS.
  section.writeUInt32LE(0x80000400, 64);
  return section;
}

function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, at) => bytes.writeUInt32LE(value >>> 0, at * 4));
  return bytes;
}

/** Sixteen bits of major version, eight of minor, eight of patch. */
const version = (major: number, minor: number): number => (major << 16) | (minor << 8);
