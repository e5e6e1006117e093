import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'plist';
import { commonNameOf } from '../certificate-facts.js';
import { plistEntries, type Code } from './bundle.js';
import { readCmsSignature } from '../../../mac/cms-signature.js';
import { ADHOC, codeDirectoryDigest, SLOTS, type CodeDirectory, type CodeSignature } from '../../../mac/code-signature.js';

/**
 * What `codesign -d` prints on stderr of signed code. Lines and their order are those of the transcripts; which of them a number of `v` brings
 * is from outputs that people posted: one: all but authorities and digests, two: authorities, three: digests, four: segments and versions.
 *
 * @param locale `other`: dates as on a Mac set to German
 */
export function displayLines(code: Code, signature: CodeSignature, verbosity: number, locale: 'en' | 'other'): readonly string[] {
  const directory = signature.codeDirectory;
  if (verbosity === 0) return [`Executable=${code.executable}`];
  return [
    `Executable=${code.executable}`,
    `Identifier=${directory.identifier}`,
    `Format=${code.kind === null ? '' : `${code.kind} with `}Mach-O thin (${code.machO.architecture})`,
    codeDirectoryLine(directory),
    ...(verbosity >= 4 ? versionLines(code) : []),
    ...(verbosity >= 3 ? digestLines(signature, verbosity) : []),
    ...signerLines(signature, verbosity, locale),
    `Info.plist entries=${infoEntries(code)}`,
    `TeamIdentifier=${directory.team ?? 'not set'}`,
    `Sealed Resources${sealedResources(code)}`,
    `Internal requirements count=${requirementCount(signature)} size=${signature.blobs.get(SLOTS.requirements)?.length ?? 0}`,
  ];
}

const FLAGS: readonly (readonly [number, string])[] = [
  [0x1, 'host'],
  [ADHOC, 'adhoc'],
  [0x100, 'hard'],
  [0x200, 'kill'],
  [0x400, 'expires'],
  [0x2000, 'library-validation'],
  [0x10000, 'runtime'],
  [0x20000, 'linker-signed'],
];

function codeDirectoryLine(directory: CodeDirectory): string {
  const names = FLAGS.filter(([flag]) => (directory.flags & flag) !== 0).map(([, name]) => name);
  const flags = `0x${directory.flags.toString(16)}(${names.join(',') || 'none'})`;
  const hashes = `${directory.code.length}+${directory.special.size}`;
  return `CodeDirectory v=${directory.version.toString(16)} size=${directory.bytes.length} flags=${flags} hashes=${hashes} location=embedded`;
}

function versionLines({ machO: { build } }: Code): readonly string[] {
  return build === null ? [] : [`VersionPlatform=${build.platform}`, `VersionMin=${build.minimum}`, `VersionSDK=${build.sdk}`];
}

const HASH_TYPES = { sha1: { size: 20, type: 1 }, sha256: { size: 32, type: 2 } } as const;

function digestLines({ codeDirectory, alternates }: CodeSignature, verbosity: number): readonly string[] {
  const all = [codeDirectory, ...alternates];
  const best = all.at(-1) ?? codeDirectory;
  const hash = (one: CodeDirectory): string => codeDirectoryDigest(one).slice(0, 40);
  const segment = codeDirectory.executableSegment;
  return [
    `Hash type=${best.digest} size=${HASH_TYPES[best.digest].size}`,
    ...all.flatMap((one) => [
      `CandidateCDHash ${one.digest}=${hash(one)}`,
      `CandidateCDHashFull ${one.digest}=${codeDirectoryDigest(one)}`,
    ]),
    `Hash choices=${all.map((one) => one.digest).join(',')}`,
    `CMSDigest=${codeDirectoryDigest(codeDirectory)}`,
    `CMSDigestType=${HASH_TYPES[codeDirectory.digest].type}`,
    ...(verbosity >= 4 && segment !== null
      ? [
          `Executable Segment base=${segment.base}`,
          `Executable Segment limit=${segment.limit}`,
          `Executable Segment flags=0x${segment.flags.toString(16)}`,
          `Page size=${codeDirectory.pageSize}`,
        ]
      : []),
    `CDHash=${hash(best)}`,
  ];
}

function signerLines({ cms }: CodeSignature, verbosity: number, locale: 'en' | 'other'): readonly string[] {
  if (cms === null) return ['Signature=adhoc'];
  const { chain, signingTime } = readCmsSignature(cms);
  return [
    `Signature size=${cms.length}`,
    ...(verbosity >= 2 ? chain.map((one) => `Authority=${commonNameOf(one)}`) : []),
    ...(signingTime === null ? [] : [`Signed Time=${timeText(signingTime, locale)}`]),
  ];
}

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'];

/** Medium date and time as the transcript of 2025 has them; the other locale is German, by Unicode's CLDR. In the time zone of the process. */
function timeText(at: Date, locale: 'en' | 'other'): string {
  const two = (value: number): string => String(value).padStart(2, '0');
  const time = `${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
  if (locale === 'other') return `${two(at.getDate())}.${two(at.getMonth() + 1)}.${at.getFullYear()}, ${time}`;
  return `${MONTHS[at.getMonth()] ?? ''} ${at.getDate()}, ${at.getFullYear()} at ${time}`;
}

const infoEntries = ({ infoPlist }: Code): string => String((infoPlist && plistEntries(infoPlist)) ?? 'not bound');

function sealedResources(code: Code): string {
  const path = code.folder === null ? null : join(code.folder, '_CodeSignature', 'CodeResources');
  if (path === null || !existsSync(path)) return '=none';
  const { rules2 = {}, files2 = {} } = parse(readFileSync(path, 'utf8')) as { rules2?: object; files2?: object };
  return ` version=2 rules=${Object.keys(rules2).length} files=${Object.keys(files2).length}`;
}

const requirementCount = ({ blobs }: CodeSignature): number =>
  Buffer.from(blobs.get(SLOTS.requirements) ?? Buffer.alloc(12)).readUInt32BE(8);
