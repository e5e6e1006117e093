import { randomUUID } from 'node:crypto';
import { existsSync, readdirSync } from 'node:fs';
import { chmod, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import type { Instant } from '../domain/brands.js';
import { STAND_IN_FILE, standInText } from '../mac/unsigned-stand-in.js';
import { runProgram } from '../node-shell/local-command.js';
import type { HeldKey, SidecarKeys } from './keys.js';
import { recordSignatures } from './signature-index.js';
import { signedCodes } from './signed-codes.js';
import { isBelow, NotTaken, TakeIn } from './take-in.js';
import type { Refused, SignedAnswer, SignedCode, SignRequest } from './wire.js';

export interface Workshop {
  /** Absolute: where bundles come and signed ones go. */
  readonly exchange: string;
  /** Absolute: of the sidecar alone, on the same volume. */
  readonly work: string;
  /** Null where it is missing. */
  readonly rcodesign: string | null;
  readonly env: NodeJS.ProcessEnv;
  now(): Instant;
}

/** Most time that rcodesign may take for one bundle, in milliseconds: people touch smart cards. */
const PATIENCE = 10 * 60_000;
/** Names of signed bundles' folders in the exchange folder begin so. */
export const SIGNED = 'signed-';

const refuse = (refused: Refused['refused'], sentence: string): Refused => ({ refused, sentence });

/** Signs a bundle with everything in it, and records it before it is given away. Whatever goes wrong, nothing is left behind. */
export async function signBundle(
  workshop: Workshop,
  keys: SidecarKeys,
  request: SignRequest,
  signal: AbortSignal,
): Promise<SignedAnswer | Refused> {
  const key = keys.aliases.get(request.alias);
  const no = refusalOf(workshop, keys, request, key);
  if (no !== null || key === undefined || 'trouble' in key) return no ?? refuse('key', `there is no alias ${request.alias}`);
  const own = join(workshop.work, randomUUID());
  const bundle = join(own, 'bundle', basename(request.bundle));
  await mkdir(dirname(bundle), { recursive: true, mode: 0o2770 });
  await chmod(dirname(bundle), 0o2770);
  try {
    const taken = await TakeIn.of(workshop.exchange, request.bundle);
    await taken.bundle(request.bundle, bundle);
    const entitlements = await takeEntitlements(taken, request, own);
    const made =
      keys.signer === 'stand-in'
        ? await leaveStandIns(bundle, key)
        : await runRcodesign(workshop, keys, { key, bundle, entitlements, own }, signal);
    if ('refused' in made) return made;
    record(workshop, keys, request, key, taken.account, made);
    const signed = `${SIGNED}${randomUUID()}`;
    await rename(dirname(bundle), join(workshop.exchange, signed));
    return {
      signed: `${signed}/${basename(bundle)}`,
      certificate: key.facts.sha1,
      signature: keys.signer === 'stand-in' ? 'stand-in' : 'made',
      codes: [...made.codes],
    };
  } catch (error) {
    if (error instanceof NotTaken) return refuse('request', error.message);
    return refuse('now', `the sidecar could not do its work: ${error instanceof Error ? error.message : String(error)}`);
  } finally {
    await rm(own, { recursive: true, force: true });
  }
}

function refusalOf(
  { rcodesign, now }: Workshop,
  keys: SidecarKeys,
  request: SignRequest,
  key: ReturnType<SidecarKeys['aliases']['get']>,
): Refused | null {
  const { alias, certificate } = request;
  if (key === undefined) return refuse('key', `there is no alias ${alias}; add it to sidecar.yaml`);
  if ('trouble' in key) return refuse('key', `the key of ${alias} cannot be used: ${key.trouble}`);
  const { sha1, expiresAt } = key.facts;
  if (sha1 !== certificate)
    return refuse('key', `the alias ${alias} means the certificate ${sha1.slice(0, 8)}, and ${certificate.slice(0, 8)} was asked for`);
  if (Date.parse(expiresAt) <= now()) return refuse('key', `the certificate of ${alias} expired ${expiresAt}`);
  if (keys.signer === 'rcodesign' && rcodesign === null)
    return refuse('now', 'the sidecar finds no rcodesign; install apple-codesign, or name it in RESEAL_RCODESIGN');
  const odd = Object.keys(request.entitlements).find((path) => path !== '' && !isBelow(path));
  return odd === undefined ? null : refuse('request', `${JSON.stringify(odd)} is no path in a bundle`);
}

/** @returns by path in the bundle, where the sidecar's own copies are */
async function takeEntitlements(taken: TakeIn, { entitlements }: SignRequest, own: string): Promise<ReadonlyMap<string, string>> {
  const copies = new Map<string, string>();
  for (const [index, [path, file]] of Object.entries(entitlements).entries()) {
    const copy = join(own, `${index}.entitlements`);
    await taken.entitlements(file, copy);
    copies.set(path, copy);
  }
  return copies;
}

interface Work {
  readonly key: HeldKey;
  readonly bundle: string;
  readonly entitlements: ReadonlyMap<string, string>;
  /** A folder for what is nobody's secret. */
  readonly own: string;
}

type Made = { readonly codes: readonly SignedCode[] };

async function runRcodesign(workshop: Workshop, keys: SidecarKeys, work: Work, signal: AbortSignal): Promise<Made | Refused> {
  const { key, bundle, entitlements, own } = work;
  const missing = 'environment' in key.place ? key.place.environment.find((name) => !workshop.env[name]) : undefined;
  if (missing !== undefined) return refuse('key', `the sidecar's environment has no ${missing}, which this key needs`);
  // rcodesign takes the first certificate that it reads for the signer's, and reads PEM before PKCS#12: so the signer's own comes first.
  const certificates = join(own, 'certificates.pem');
  const chain = keys.chain === null ? '' : await readFile(keys.chain, 'utf8');
  await writeFile(certificates, `${key.certificatePem.trimEnd()}\n${chain}`);
  const place = 'p12' in key.place ? ['--p12-file', key.place.p12, '--p12-password-file', key.place.passwordFile] : key.place.options;
  const args = [
    ...['sign', '--config-file', '/dev/null', '--timestamp-url', 'none', '--team-name', key.facts.team],
    ...['--pem-file', certificates],
    ...place,
    ...[...entitlements].flatMap(([path, file]) => ['--entitlements-xml-file', path === '' ? file : `${path}:${file}`]),
    bundle,
  ];
  const ended = await runProgram(
    workshop.rcodesign ?? 'rcodesign',
    { args, timeout: PATIENCE },
    { cwd: own, env: environmentOf(workshop, key), signal },
  );
  if (ended.expired) return refuse('now', 'rcodesign did not end in time, or nobody waited for it any more');
  if (ended.code !== 0) return refuse('now', `rcodesign ended with ${ended.code}: ${lastLine(ended.stderr)}`);
  const codes = signedCodes(bundle, key.facts.sha1);
  return typeof codes === 'string' ? refuse('key', `what rcodesign signed is not given away: ${codes}`) : { codes };
}

function environmentOf({ env }: Workshop, { place }: HeldKey): NodeJS.ProcessEnv {
  const named = 'environment' in place ? place.environment : [];
  return { PATH: env['PATH'], HOME: env['HOME'], LC_ALL: 'C', ...Object.fromEntries(named.map((name) => [name, env[name]])) };
}

const lastLine = (text: string): string => text.trim().split('\n').at(-1)?.slice(0, 300) ?? '';

/** In every bundle: the file that a simulated Mac without rcodesign leaves too. */
async function leaveStandIns(bundle: string, key: HeldKey): Promise<Made> {
  const folders = [bundle, ...readdirSync(bundle, { withFileTypes: true, recursive: true }).filter((entry) => entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name))]; // prettier-ignore
  const codes: SignedCode[] = [];
  for (const folder of folders.filter((one) => existsSync(join(one, 'Info.plist')))) {
    const file = join(folder, STAND_IN_FILE);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, standInText(key.facts.sha1));
    codes.push({ path: relative(bundle, folder), identifier: basename(folder), cdHash: null });
  }
  return { codes };
}

function record(workshop: Workshop, keys: SidecarKeys, request: SignRequest, key: HeldKey, account: number, { codes }: Made): void {
  const at = new Date(workshop.now()).toISOString();
  const signature = keys.signer === 'stand-in' ? ('stand-in' as const) : ('made' as const);
  const { alias, by } = request;
  const shared = { at, by, account, alias, certificate: key.facts.sha1, bundle: basename(request.bundle), signature };
  recordSignatures(
    keys.index,
    codes.map((code) => ({ ...shared, ...code })),
  );
}

/** What attempts of a sidecar that ended have left: nobody waits for it. */
export async function clearLeftOvers({ exchange, work }: Pick<Workshop, 'exchange' | 'work'>): Promise<void> {
  await rm(work, { recursive: true, force: true });
  await mkdir(work, { mode: 0o700 });
  const left = existsSync(exchange) ? await readdir(exchange) : [];
  for (const name of left.filter((one) => one.startsWith(SIGNED))) await rm(join(exchange, name), { recursive: true, force: true });
}
