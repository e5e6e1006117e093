import { spawn } from 'node:child_process';
import { randomBytes, X509Certificate } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, copyFile, mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { keyIdOf } from './certificate-facts.js';
import { PROGRAM_NAMES } from './faults.js';
import { findRcodesign } from '../../mac/rcodesign.js';
import { macState, type MacState } from './state.js';

export interface MacOptions {
  /** PEM of the roots that the Mac trusts. */
  readonly roots: readonly string[];
  /** PEM of the authorities between a root and identities that the Mac has; an identity of any other issuer is not trusted. */
  readonly intermediates: readonly string[];
  /** Of the login keychain, which is unlocked to begin with, and never locks by itself, as on a Mac. One line. */
  readonly loginPassword: string;
  /** macOS 15.5 (24F74) by default. */
  readonly macOS?: { readonly version: string; readonly build: string };
  /** Xcode 16.4 (16F6) by default. */
  readonly xcode?: { readonly version: string; readonly build: string };
  /** Minutes until the Mac sleeps; 0, never, by default. */
  readonly sleepMinutes?: number;
  /** Whether it installs updates of macOS by itself; not by default. */
  readonly installsUpdates?: boolean;
  /** Where programs run: `gui`, the login session, by default; in anything else keys cannot be used. */
  readonly context?: 'gui' | 'background' | 'ssh';
  /** The program that makes signatures real, null for none; the one that `findRcodesign` finds by default. */
  readonly rcodesign?: string | null;
  /** The module that runs what the shell does not do by itself; this package's own by default. */
  readonly tool?: string;
}

const LIBRARY = [
  'mac.sh',
  'keychain.sh',
  'keychain-commands.sh',
  'keychain-lists.sh',
  'find-identity.sh',
  'interactive.sh',
  'usage.sh',
] as const;
const PROGRAMS = fileURLToPath(new URL('programs/', import.meta.url));
const TOOL = fileURLToPath(new URL('tool/main.js', import.meta.url));

/** Node.js, the module, and what has to be imported before it: where this package runs from its sources, a compiler. */
function toolCommand(tool: string = TOOL): readonly string[] {
  if (existsSync(tool)) return [process.execPath, tool, ''];
  const compiler = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
  return [process.execPath, tool.replace(/\.js$/, '.ts'), compiler];
}

/**
 * Makes a home the home of a simulated Mac: programs in `<home>/bin`, which its PATH begins with, and their state, with a login keychain and
 * a System keychain. On a home that is one already, programs and options are renewed and keychains left as they are.
 */
export async function installMac(home: string, options: MacOptions): Promise<void> {
  const state = macState(home);
  await makeFolders(state);
  await installPrograms(state);
  await writeOptions(state, options);
  if (existsSync(state.file('search-list'))) return;
  for (const name of ['search-list', 'revoked'] as const) await replace(state.file(name), '');
  await createKeychains(state, options.loginPassword);
}

/** Revokes certificates on this Mac, as an online check would tell it. @param sha1 of every revoked certificate, hexadecimal */
export async function setRevoked(home: string, sha1: readonly string[]): Promise<void> {
  await replace(macState(home).file('revoked'), lines(sha1.map((one) => one.toUpperCase())));
}

/** Stops the node's clock at a moment; null lets it go again. */
export async function setClock(home: string, at: Date | null): Promise<void> {
  const path = macState(home).file('clock');
  if (at !== null) await replace(path, lines([Math.floor(at.getTime() / 1000)]));
  else await rm(path, { force: true });
}

async function makeFolders(state: MacState): Promise<void> {
  const folders = [state.bin, state.lib, state.keychains, state.fault(''), state.unlocked(''), state.certificate('', '.')];
  for (const folder of folders) await mkdir(folder, { recursive: true });
  await mkdir(state.secrets(''), { recursive: true, mode: 0o700 });
}

async function installPrograms(state: MacState): Promise<void> {
  for (const name of LIBRARY) await install(join(PROGRAMS, name), join(state.lib, name), 0o644);
  for (const name of PROGRAM_NAMES) await install(join(PROGRAMS, `${name}.sh`), join(state.bin, name), 0o755);
}

async function install(from: string, to: string, mode: number): Promise<void> {
  const draft = `${to}.draft`;
  await copyFile(from, draft);
  await chmod(draft, mode);
  await rename(draft, to);
}

async function writeOptions(state: MacState, options: MacOptions): Promise<void> {
  const { version, build } = options.macOS ?? { version: '15.5', build: '24F74' };
  const xcode = options.xcode ?? { version: '16.4', build: '16F6' };
  await replace(
    state.file('system'),
    lines([version, build, options.sleepMinutes ?? 0, xcode.version, xcode.build, options.installsUpdates === true ? 1 : 0]),
  );
  await replace(state.file('context'), lines([options.context ?? 'gui']));
  await replace(state.file('node'), lines(toolCommand(options.tool)));
  await replace(state.file('rcodesign'), lines([options.rcodesign === undefined ? (findRcodesign() ?? '') : (options.rcodesign ?? '')]));
  const authorities = trustedAuthorities(options);
  await replace(state.file('trusted-issuers'), lines(authorities.map(keyIdOf)));
  await replace(state.file('authorities.pem'), authorities.map((one) => one.toString()).join(''));
}

/** The roots, and every intermediate that one of them, or another of these intermediates, has issued. */
function trustedAuthorities(options: MacOptions): readonly X509Certificate[] {
  const trusted = options.roots.map((pem) => new X509Certificate(pem));
  let left = options.intermediates.map((pem) => new X509Certificate(pem));
  for (let before = -1; before !== left.length;) {
    before = left.length;
    const issued = left.filter((one) => one.ca && trusted.some((authority) => one.verify(authority.publicKey)));
    trusted.push(...issued);
    left = left.filter((one) => !issued.includes(one));
  }
  return trusted;
}

/** Both through the Mac's own `security`, with the passwords on its stdin. A Mac's login keychain has no timeout. */
async function createKeychains(state: MacState, loginPassword: string): Promise<void> {
  if (/[\r\n]/.test(loginPassword)) throw new Error('The password of a simulated login keychain is one line; this one has several.');
  const system = '/Library/Keychains/System.keychain';
  await interactive(state, [
    `create-keychain -p ${quoted(loginPassword)} login.keychain`,
    `create-keychain -p ${randomBytes(16).toString('hex')} ${system}`,
    'set-keychain-settings login.keychain',
    `set-keychain-settings ${system}`,
    'list-keychains -d user -s login.keychain',
  ]);
}

async function interactive(state: MacState, commands: readonly string[]): Promise<void> {
  const child = spawn(join(state.bin, 'security'), ['-i'], { stdio: ['pipe', 'ignore', 'pipe'] });
  const said: Buffer[] = [];
  child.stderr.on('data', (bytes: Buffer) => said.push(bytes));
  child.stdin.end(lines(commands));
  await new Promise<void>((done, failed) => child.on('close', () => done()).on('error', failed));
  if (said.length > 0)
    throw new Error(`The keychains of the simulated Mac in ${state.home} were not made: ${Buffer.concat(said).toString('utf8')}`);
}

/** A word of a command line of `security -i`. */
const quoted = (word: string): string => `"${word.replaceAll(/["\\]/g, '\\$&')}"`;

const lines = (all: readonly (string | number)[]): string => all.map((line) => `${line}\n`).join('');

async function replace(path: string, text: string): Promise<void> {
  await writeFile(`${path}.draft`, text);
  await rename(`${path}.draft`, path);
}
