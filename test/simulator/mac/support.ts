import { spawnSync } from 'node:child_process';
import { readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { cp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join, resolve } from 'node:path';
import { openAppleHierarchy, type AppleHierarchy, type DistributionCertificate } from '../../../src/simulator/apple-hierarchy.js';
import { installMac, type MacOptions } from '../../../src/simulator/mac/install.js';
import { legacyPkcs12 } from '../../../src/identity/pkcs12.js';
import { copyApple } from '../../setup/apple.js';
import { macTool } from '../../setup/mac-tool.js';
import { temporaryFolder } from '../../setup/temporary-folder.js';

const TRANSCRIPTS = resolve(import.meta.dirname, '../../../../shared/fixtures/transcripts');

/** A recorded output, without the line that names its source. */
export function transcript(name: string): string {
  const text = readFileSync(join(TRANSCRIPTS, `${name}.txt`), 'utf8');
  return text.slice(text.indexOf('\n') + 1);
}

export const PASSWORD = 'login "pass\\word" $HOME';
export const TEAM = '9QK4T7XW2B';
export const NAME = `Apple Distribution: Größe, Acme GmbH (${TEAM})`;

export interface Ended {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

export interface Mac {
  readonly home: string;
  readonly options: MacOptions;
  readonly apple: AppleHierarchy;
  readonly login: string;
  /** Runs a program of the Mac as its PATH finds it. */
  run(program: string, args: readonly string[], over?: { readonly input?: string; readonly env?: Readonly<Record<string, string>> }): Ended;
  security(...args: readonly string[]): Ended;
  /** Runs command lines through `security -i`. */
  interactive(...lines: readonly string[]): Ended;
  /** Issues an identity of the simulated Apple. */
  issue(over?: { readonly commonName?: string; readonly notBefore?: Date; readonly notAfter?: Date }): Promise<DistributionCertificate>;
  /** Writes the identity as PKCS#12 with the password `p12` and answers its path. */
  pkcs12(identity: DistributionCertificate): string;
  /** Puts an identity into the login keychain, ready for `codesign`. */
  importReady(identity: DistributionCertificate): void;
  path(name: string): string;
  dispose(): void;
}

/** Beside the Mac, where other accounts of this machine may read it if the test lets them. */
async function ownTool(folder: string): Promise<string> {
  const tool = await macTool();
  await cp(dirname(tool), join(folder, 'tool'), { recursive: true });
  return join(folder, 'tool', basename(tool));
}

/** @param parent where its folder is made */
export async function simulatedMac(over: Partial<MacOptions> = {}, parent = tmpdir()): Promise<Mac> {
  const folder = realpathSync(temporaryFolder('reseal-mac', parent));
  const home = join(folder, 'home');
  await copyApple(join(folder, 'apple'));
  const apple = await openAppleHierarchy(join(folder, 'apple'));
  const options: MacOptions = {
    roots: [apple.rootPem],
    intermediates: [apple.wwdrPem],
    loginPassword: PASSWORD,
    tool: await ownTool(folder),
    ...over,
  };
  await installMac(home, options);
  const run: Mac['run'] = (program, args, { input = '', env = {} } = {}) => {
    const path = `${join(home, 'bin')}:${process.env['PATH'] ?? ''}`;
    const ended = spawnSync(program, args, {
      input,
      encoding: 'utf8',
      cwd: home,
      env: { ...process.env, PATH: path, HOME: home, ...env },
      maxBuffer: 2 ** 26,
    });
    if (ended.error) throw ended.error;
    return { stdout: ended.stdout, stderr: ended.stderr, code: ended.status };
  };
  const security: Mac['security'] = (...args) => run('security', args);
  const interactive: Mac['interactive'] = (...lines) => run('security', ['-i'], { input: lines.map((line) => `${line}\n`).join('') });
  const pkcs12: Mac['pkcs12'] = (identity) => {
    const path = join(folder, `${identity.sha1}.p12`);
    writeFileSync(path, legacyPkcs12(identity, 'p12'));
    return path;
  };
  return {
    home,
    options,
    apple,
    login: join(home, 'Library/Keychains/login.keychain-db'),
    run,
    security,
    interactive,
    issue: (wanted = {}) =>
      apple.issueCertificate({
        commonName: NAME,
        team: TEAM,
        notAfter: new Date('2099-01-02T03:04:05Z'),
        notBefore: new Date('2024-01-02T03:04:05Z'),
        ...wanted,
      }),
    pkcs12,
    importReady: (identity) => {
      const { stderr } = interactive(
        `import ${pkcs12(identity)} -k login.keychain -P p12 -T /usr/bin/codesign`,
        `set-key-partition-list -S apple-tool:,apple:,codesign: -s -k ${quoted(PASSWORD)} login.keychain`,
      );
      if (stderr !== '') throw new Error(stderr);
    },
    path: (name) => join(folder, name),
    dispose: () => rmSync(folder, { recursive: true, force: true }),
  };
}

/** A word of a line of `security -i`. */
export const quoted = (word: string): string => `"${word.replaceAll(/["\\]/g, '\\$&')}"`;
