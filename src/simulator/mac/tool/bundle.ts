import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { parse, type PlistValue } from 'plist';
import { readMachO, type MachO } from '../../../mac/code-signature.js';

/** A bundle or a bare program, as `codesign` looks at it. Bundles are those of iPhones, with Info.plist at their top. */
export interface Code {
  /** As it was named. */
  readonly named: string;
  readonly executable: string;
  /** `app bundle`, `bundle`, or nothing for a bare program, as in `Format=`. */
  readonly kind: 'app bundle' | 'bundle' | null;
  /** Null for a bare program. */
  readonly folder: string | null;
  readonly infoPlist: Uint8Array | null;
  readonly machO: MachO;
}

/** What is no code: nothing there, or nothing that could be signed. */
export type NoCode = 'missing' | 'not-code';

export function openCode(named: string): Code | NoCode {
  const path = resolve(named);
  if (!existsSync(path)) return 'missing';
  if (!statSync(path).isDirectory()) return withMachO({ named, executable: path, kind: null, folder: null, infoPlist: null });
  const info = join(path, 'Info.plist');
  if (!existsSync(info)) return 'not-code';
  const infoPlist = readFileSync(info);
  const executable = topLevelText(infoPlist, 'CFBundleExecutable') ?? basename(path).replace(/\.[^.]*$/, '');
  if (!existsSync(join(path, executable))) return 'not-code';
  return withMachO({
    named,
    executable: join(path, executable),
    kind: path.endsWith('.app') ? 'app bundle' : 'bundle',
    folder: path,
    infoPlist,
  });
}

function withMachO(code: Omit<Code, 'machO'>): Code | NoCode {
  const machO = readMachO(readFileSync(code.executable));
  return machO === null ? 'not-code' : { ...code, machO };
}

/** Bundles directly inside one, which have signatures of their own: extensions and frameworks. */
export function nestedBundles(folder: string): readonly string[] {
  return ['Frameworks', 'PlugIns', 'Extensions']
    .filter((name) => existsSync(join(folder, name)))
    .flatMap((name) =>
      readdirSync(join(folder, name))
        .filter((nested) => /\.(framework|appex|app|bundle)$/.test(nested) && existsSync(join(folder, name, nested, 'Info.plist')))
        .map((nested) => join(folder, name, nested)),
    );
}

const BINARY = 'bplist00';

/** How many entries a property list has at its top, XML or binary; null where it is no dictionary. */
export function plistEntries(bytes: Uint8Array): number | null {
  const file = Buffer.from(bytes);
  if (file.toString('latin1', 0, 8) === BINARY) return binaryEntries(file);
  const value = readXml(file);
  return value === null ? null : Object.keys(value).length;
}

/** A text at the top of an XML property list; null where it is not there, or the list is binary. */
export function topLevelText(bytes: Uint8Array, key: string): string | null {
  const value = readXml(Buffer.from(bytes))?.[key];
  return typeof value === 'string' ? value : null;
}

function readXml(file: Buffer): Readonly<Record<string, PlistValue>> | null {
  try {
    const value = parse(file.toString('utf8'));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, PlistValue>) : null;
  } catch {
    return null;
  }
}

/** Of the object that the trailer of a binary property list names (CFBinaryPList.c): a dictionary's marker has its count, or says where it is. */
function binaryEntries(file: Buffer): number | null {
  const trailer = file.subarray(-32);
  const offsetSize = trailer.readUInt8(6);
  const top = Number(trailer.readBigUInt64BE(16));
  const table = Number(trailer.readBigUInt64BE(24));
  const at = file.readUIntBE(table + top * offsetSize, offsetSize);
  const marker = file.readUInt8(at);
  if (marker >> 4 !== 0xd) return null;
  if ((marker & 0xf) !== 0xf) return marker & 0xf;
  return file.readUIntBE(at + 2, 2 ** (file.readUInt8(at + 1) & 0xf));
}
