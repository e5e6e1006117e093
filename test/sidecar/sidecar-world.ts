import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { legacyPkcs12 } from '../../src/identity/pkcs12.js';
import { stubApp } from '../../src/mac/stub-app.js';
import { findRcodesign } from '../../src/mac/rcodesign.js';
import { startSidecar, type RunningSidecar } from '../../src/sidecar/server.js';
import { openAppleHierarchy, type AppleHierarchy, type DistributionCertificate } from '../../src/simulator/apple-hierarchy.js';
import { copyApple } from '../setup/apple.js';

const DAY = 86_400_000;
export const TEAM = '9QK4T7XW2B';
export const PASSWORD = 'correct horse battery';

/** A folder with a sidecar's keys and a simulated Apple that issues them. */
export class SidecarWorld {
  private running: RunningSidecar | null = null;
  readonly said: string[] = [];

  private constructor(
    readonly folder: string,
    readonly apple: AppleHierarchy,
  ) {}

  static async make(): Promise<SidecarWorld> {
    const folder = mkdtempSync(join(tmpdir(), 'reseal-sidecar-'));
    await copyApple(join(folder, 'apple'));
    const world = new SidecarWorld(folder, await openAppleHierarchy(join(folder, 'apple')));
    for (const name of ['keys', 'run']) mkdirSync(join(folder, name), { mode: 0o750 });
    writeFileSync(world.at('keys/chain.pem'), world.apple.wwdrPem + world.apple.rootPem);
    return world;
  }

  at(name: string): string {
    return join(this.folder, name);
  }

  get file(): string {
    return this.at('keys/sidecar.yaml');
  }
  get socket(): string {
    return this.at('run/socket');
  }
  get exchange(): string {
    return this.at('run/bundles');
  }
  get index(): string {
    return this.at('keys/signatures.jsonl');
  }

  records(): readonly Readonly<Record<string, unknown>>[] {
    return readFileSync(this.index, 'utf8')
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
  }

  issue(over: { readonly notAfter?: Date } = {}): Promise<DistributionCertificate> {
    return this.apple.issueCertificate({
      commonName: `Apple Distribution: Acme GmbH (${TEAM})`,
      team: TEAM,
      notBefore: new Date(Date.now() - 30 * DAY),
      notAfter: over.notAfter ?? new Date(Date.now() + 300 * DAY),
    });
  }

  /** Puts an identity among the sidecar's files. @returns what `sidecar.yaml` says of it */
  keep(name: string, certificate: DistributionCertificate, password = PASSWORD): { readonly p12: object } {
    this.secret(`keys/${name}.p12`, legacyPkcs12(certificate, PASSWORD));
    this.secret(`keys/${name}.password`, `${password}\n`);
    return { p12: { file: `${name}.p12`, passwordFile: `${name}.password` } };
  }

  secret(name: string, content: Uint8Array | string): void {
    writeFileSync(this.at(name), content);
    chmodSync(this.at(name), 0o600);
  }

  declare(aliases: Readonly<Record<string, object>>, more: object = {}): void {
    writeFileSync(this.file, stringify({ schemaVersion: 1, socket: '../run/socket', chain: 'chain.pem', aliases, ...more }));
  }

  async start(over: { readonly rcodesign?: string | null; readonly env?: NodeJS.ProcessEnv } = {}): Promise<RunningSidecar> {
    this.running = await startSidecar({
      file: this.file,
      rcodesign: findRcodesign(),
      env: { PATH: process.env['PATH'], HOME: this.folder },
      now: () => Date.now(),
      say: (line) => this.said.push(line),
      ...over,
    });
    return this.running;
  }

  /** An unsigned app with an extension, and entitlements, in the exchange folder. @returns what a request says of them */
  bring(name = 'job-1'): { readonly bundle: string; readonly entitlements: Readonly<Record<string, string>> } {
    const app = stubApp({
      name: 'Courier',
      bundleId: 'com.acme.courier',
      extensions: [{ name: 'Notify', bundleId: 'com.acme.courier.notify' }],
    });
    for (const { path, bytes, mode } of app) {
      mkdirSync(dirname(join(this.exchange, name, path)), { recursive: true });
      writeFileSync(join(this.exchange, name, path), bytes, { mode });
    }
    const entitlements = (id: string): string =>
      `<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0"><dict><key>application-identifier</key><string>${TEAM}.${id}</string></dict></plist>\n`;
    writeFileSync(join(this.exchange, name, 'app.plist'), entitlements('com.acme.courier'));
    writeFileSync(join(this.exchange, name, 'notify.plist'), entitlements('com.acme.courier.notify'));
    return {
      bundle: `${name}/Courier.app`,
      entitlements: { '': `${name}/app.plist`, 'PlugIns/Notify.appex': `${name}/notify.plist` },
    };
  }

  async dispose(): Promise<void> {
    await this.running?.stop();
    rmSync(this.folder, { recursive: true, force: true });
  }
}
