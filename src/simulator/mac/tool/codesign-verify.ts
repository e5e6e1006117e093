import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { basename, join } from 'node:path';
import { parse, type PlistValue } from 'plist';
import { nestedBundles, openCode, type Code } from './bundle.js';
import { readCmsSignature } from '../../../mac/cms-signature.js';
import { changedPages, SLOTS, type CodeDirectory, type CodeSignature } from '../../../mac/code-signature.js';

/** What is wrong with a signature; `where` names files, for those who ask for more words. */
export interface Invalid {
  /** After the path and a colon. */
  readonly sentence: string;
  readonly where: readonly string[];
}

/** The three of mac-tools.md, and errSecCSInfoPlistFailed of Apple's CSCommon.h. */
const SENTENCES = {
  unsigned: 'code object is not signed at all',
  resource: 'a sealed resource is missing or invalid',
  signature: 'invalid signature (code or signature have been modified)',
  info: 'invalid Info.plist (plist or signature have been modified)',
} as const;

const invalid = (kind: keyof typeof SENTENCES, where: readonly string[] = []): Invalid => ({ sentence: SENTENCES[kind], where });

/**
 * Verifies code as `codesign --verify` does: digests of pages, of Info.plist, requirements and resources, the CMS signature, and the same of
 * bundles inside. Dates and trust of the signer are not looked at: that is a matter of a requirement, which none is given for.
 */
export function verifyCode(code: Code): Invalid | null {
  const { signature } = code.machO;
  if (signature === null) return invalid('unsigned', inArchitecture(code));
  const directories = [signature.codeDirectory, ...signature.alternates];
  if (directories.some((directory) => changedPages(code.machO.bytes, directory).length > 0) || !isSigned(signature))
    return invalid('signature', inArchitecture(code));
  for (const directory of directories) {
    const found = specialSlots(code, signature, directory);
    if (found !== null) return found;
  }
  return code.folder === null ? null : (sealedFiles(code.folder, basename(code.executable)) ?? nested(code.folder));
}

const inArchitecture = (code: Code): readonly string[] => [`In architecture: ${code.machO.architecture}`];

/** An ad hoc signature says nothing of who made it, and so has nothing to verify here. */
function isSigned({ cms, codeDirectory }: CodeSignature): boolean {
  if (cms === null) return true;
  try {
    return readCmsSignature(cms).isOf(codeDirectory.bytes);
  } catch {
    return false;
  }
}

function specialSlots(code: Code, signature: CodeSignature, directory: CodeDirectory): Invalid | null {
  const isAsSealed = (slot: number, bytes: Uint8Array | null): boolean => {
    const expected = directory.special.get(slot) ?? '';
    if (/^0*$/.test(expected)) return bytes === null;
    return bytes !== null && createHash(directory.digest).update(bytes).digest('hex') === expected;
  };
  const blob = (slot: number): Uint8Array | null => signature.blobs.get(slot) ?? null;
  const isBlobs = [SLOTS.requirements, SLOTS.entitlements, SLOTS.entitlementsDer].every((slot) => isAsSealed(slot, blob(slot)));
  if (!isBlobs) return invalid('signature', inArchitecture(code));
  if (!isAsSealed(SLOTS.info, code.infoPlist)) return invalid('info', inArchitecture(code));
  return isAsSealed(SLOTS.resources, code.folder === null ? null : read(resourcesOf(code.folder))) ? null : invalid('resource');
}

const resourcesOf = (folder: string): string => join(folder, '_CodeSignature', 'CodeResources');
const read = (path: string): Uint8Array | null => (existsSync(path) ? readFileSync(path) : null);

/**
 * Every file that is sealed is there and as it was, and none is there that is not sealed.
 *
 * @param executable what is signed itself, and so no resource
 */
function sealedFiles(folder: string, executable: string): Invalid | null {
  const list = parse(readFileSync(resourcesOf(folder), 'utf8')) as { files2?: Record<string, Seal>; rules2?: Record<string, PlistValue> };
  const sealed = new Map(Object.entries(list.files2 ?? {}));
  const problems: string[] = [];
  for (const [name, seal] of sealed) {
    const path = join(folder, name);
    if (!isThere(path)) {
      if (!seal.optional) problems.push(`file missing: ${path}`);
    } else if (isChanged(path, seal)) problems.push(`file modified: ${path}`);
  }
  for (const name of filesIn(folder))
    if (!sealed.has(name) && name !== executable && isSealable(name, list.rules2 ?? {})) problems.push(`file added: ${join(folder, name)}`);
  return problems.length === 0 ? null : invalid('resource', problems);
}

/** A file's digest, where a link leads, or for a bundle inside that is sealed as a whole, its requirement. */
interface Seal {
  readonly hash2?: Uint8Array;
  readonly symlink?: string;
  readonly requirement?: string;
  readonly optional?: boolean;
}

function isThere(path: string): boolean {
  return existsSync(path) || isLink(path);
}

function isLink(path: string): boolean {
  try {
    return readlinkSync(path) !== '';
  } catch {
    return false;
  }
}

function isChanged(path: string, seal: Seal): boolean {
  if (seal.symlink !== undefined) return !isLink(path) || readlinkSync(path) !== seal.symlink;
  if (seal.hash2 === undefined) return false;
  return !createHash('sha256').update(readFileSync(path)).digest().equals(seal.hash2);
}

function filesIn(folder: string, prefix = ''): readonly string[] {
  return readdirSync(join(folder, prefix), { withFileTypes: true }).flatMap((entry) => {
    const name = `${prefix}${entry.name}`;
    return entry.isDirectory() ? filesIn(folder, `${name}/`) : [name];
  });
}

/** The rule of the greatest weight that fits decides; a rule that is only `true` weighs 1 (Apple's ResourceBuilder). */
function isSealable(name: string, rules: Readonly<Record<string, PlistValue>>): boolean {
  if (name.startsWith('_CodeSignature/')) return false;
  const fitting = Object.entries(rules).filter(([pattern]) => new RegExp(pattern).test(name));
  const property = (rule: PlistValue, key: 'weight' | 'omit'): unknown =>
    typeof rule === 'object' && rule !== null ? (rule as Record<string, PlistValue>)[key] : undefined;
  const weight = (rule: PlistValue): number => Number(property(rule, 'weight') ?? 1);
  const [best] = fitting.map(([, rule]) => rule).sort((a, b) => weight(b) - weight(a));
  return best !== undefined && property(best, 'omit') !== true;
}

function nested(folder: string): Invalid | null {
  for (const path of nestedBundles(folder)) {
    const code = openCode(path);
    const found = typeof code === 'string' ? invalid('unsigned') : verifyCode(code);
    if (found !== null) return { ...found, where: [...found.where, `In subcomponent: ${path}`] };
  }
  return null;
}
