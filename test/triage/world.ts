import { spawnSync } from 'node:child_process';
import { createWriteStream, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { build, type PlistValue } from 'plist';
import { ZipFile } from 'yazl';
import { run } from '../../src/cli/main.js';
import type { TriageView } from '../../src/presenters/triage.js';
import type { Manifest } from '../../src/domain/manifest.js';
import { findRcodesign } from '../../src/mac/rcodesign.js';
import { freezeManifest } from '../../src/manifest/freeze.js';
import { stubApp } from '../../src/mac/stub-app.js';
import { openAppleHierarchy, type AppleHierarchy, type DistributionCertificate } from '../../src/simulator/apple-hierarchy.js';
import type { ProfileRequest } from '../../src/simulator/apple/profile-file.js';
import { PassThrough } from 'node:stream';
import { copyAuthorities } from '../setup/apple.js';

export const TEAM = '9QK4T7XW2B';
export const NOW = Date.parse('2026-06-01T12:00:00Z');
export const HOST = 'com.acme.courier';
export const SHARE = 'com.acme.courier.share';
export const HOST_NEW = '11111111-1111-4111-8111-111111111111';
export const SHARE_NEW = '22222222-2222-4222-8222-222222222222';
export const SHARE_OLD = '33333333-3333-4333-8333-333333333333';

/** One bundle of an app under test; what is not said is as it should be. */
export interface Part {
  readonly profile?: Uint8Array | null;
  readonly signer?: DistributionCertificate | null;
  readonly entitlements?: Readonly<Record<string, PlistValue>>;
}

/** A folder with a configuration that trusts a simulated Apple, and apps that are really signed there. */
export class TriageWorld {
  private constructor(
    readonly folder: string,
    readonly apple: AppleHierarchy,
    readonly identity: DistributionCertificate,
  ) {}

  static async make(): Promise<TriageWorld> {
    const folder = mkdtempSync(join(tmpdir(), 'reseal-triage-'));
    await copyAuthorities(join(folder, 'apple'));
    const apple = await openAppleHierarchy(join(folder, 'apple'));
    const identity = await apple.issueCertificate({
      commonName: `Apple Distribution: Acme GmbH (${TEAM})`,
      team: TEAM,
      notBefore: new Date('2026-01-01T00:00:00Z'),
      notAfter: new Date('2027-01-01T00:00:00Z'),
    });
    const world = new TriageWorld(folder, apple, identity);
    world.configure();
    return world;
  }

  at(name: string): string {
    return join(this.folder, name);
  }

  profile(uuid: string, bundleId: string, over: Partial<ProfileRequest> = {}): Uint8Array {
    return this.apple.makeProfile({
      uuid,
      name: `${bundleId} App Store`,
      team: TEAM,
      teamName: 'Acme GmbH',
      bundleId,
      kind: 'app-store',
      certificates: [this.identity],
      createdAt: new Date('2026-05-01T00:00:00Z'),
      expiresAt: new Date('2027-01-01T00:00:00Z'),
      ...over,
    });
  }

  oldShare(): Uint8Array {
    return this.profile(SHARE_OLD, SHARE, {
      name: 'Courier Share 2025',
      createdAt: new Date('2025-06-10T00:00:00Z'),
      expiresAt: new Date('2026-06-10T00:00:00Z'),
    });
  }

  issue(over: { readonly commonName?: string; readonly team?: string; readonly notAfter?: Date } = {}): Promise<DistributionCertificate> {
    return this.apple.issueCertificate({
      commonName: `Apple Distribution: Acme GmbH (${TEAM})`,
      team: TEAM,
      notBefore: new Date('2025-01-01T00:00:00Z'),
      notAfter: new Date('2027-06-01T00:00:00Z'),
      ...over,
    });
  }

  /** Builds and signs Courier.app with Share.appex, inside first. */
  app(parts: { readonly host?: Part; readonly share?: Part } = {}, name = 'Courier'): string {
    const host = { profile: this.profile(HOST_NEW, HOST), ...parts.host };
    const share = { profile: this.profile(SHARE_NEW, SHARE), ...parts.share };
    const files = stubApp({
      name,
      bundleId: HOST,
      ...(host.profile === null ? {} : { profile: host.profile }),
      extensions: [{ name: 'Share', bundleId: SHARE, ...(share.profile === null ? {} : { profile: share.profile }) }],
    });
    rmSync(this.at(`build/${name}.app`), { recursive: true, force: true });
    for (const { path, bytes, mode } of files) {
      mkdirSync(dirname(this.at(`build/${path}`)), { recursive: true });
      writeFileSync(this.at(`build/${path}`), bytes, { mode });
    }
    const app = this.at(`build/${name}.app`);
    this.sign(join(app, 'PlugIns/Share.appex'), SHARE, share);
    this.sign(app, HOST, host);
    return app;
  }

  private sign(bundle: string, bundleId: string, { signer = this.identity, entitlements = {} }: Part): void {
    if (signer === null) return;
    const files = ['certificate', 'key', 'chain', 'entitlements'].map((name) => this.at(name));
    const [certificate = '', key = '', chain = '', claimed = ''] = files;
    writeFileSync(certificate, signer.certificatePem);
    writeFileSync(key, signer.privateKeyPem);
    writeFileSync(chain, this.apple.wwdrPem + this.apple.rootPem);
    writeFileSync(
      claimed,
      build({ 'application-identifier': `${TEAM}.${bundleId}`, 'com.apple.developer.team-identifier': TEAM, ...entitlements }),
    );
    const args = ['sign', '--config-file', '/dev/null', '--timestamp-url', 'none', '--shallow', '--team-name', signer.team];
    const pems = [certificate, key, chain].flatMap((path) => ['--pem-file', path]);
    const ended = spawnSync(findRcodesign() ?? 'rcodesign', [...args, '--entitlements-xml-file', claimed, ...pems, bundle], {
      encoding: 'utf8',
    });
    if (ended.status !== 0) throw new Error(`${ended.stdout}${ended.stderr}`);
  }

  /** Packs an app as Xcode exports it. */
  ipa(app: string, more: (zip: ZipFile) => void = () => undefined): Promise<string> {
    return this.zip((zip) => {
      for (const name of filesIn(app)) zip.addFile(join(app, name), `Payload/Courier.app/${name}`);
      more(zip);
    });
  }

  async zip(fill: (zip: ZipFile) => void, name = 'Courier.ipa'): Promise<string> {
    const zip = new ZipFile();
    fill(zip);
    zip.end();
    await pipeline(zip.outputStream, createWriteStream(this.at(name)));
    return this.at(name);
  }

  /** Runs the command in this process, by a clock of its own. */
  async triage(args: readonly string[], env: NodeJS.ProcessEnv = {}) {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const exit = await run(['triage', ...args], {
      stdout,
      stderr,
      env: { RESEAL_CONFIG: this.at('reseal'), RESEAL_HOME: this.at('home'), PATH: '', ...env },
      cwd: this.folder,
      now: () => NOW,
    });
    return { exit, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
  }

  /** What was found, each as `verdict check subject`; what is fine is left out. */
  async found(...args: readonly string[]): Promise<readonly string[]> {
    return problemsOf(await this.view(...args));
  }

  async view(...args: readonly string[]): Promise<TriageView> {
    const { out, err } = await this.triage([...args, '--json']);
    if (err !== '' || out.includes('"error":')) throw new Error(err + out);
    return JSON.parse(out) as TriageView;
  }

  write(name: string, text: string | Uint8Array): string {
    mkdirSync(dirname(this.at(name)), { recursive: true });
    writeFileSync(this.at(name), text);
    return name;
  }

  /** A frozen manifest that names the new profiles of host and extension: `profiles.json`. */
  writeManifest(): string {
    const { sha1, commonName, serial } = this.identity;
    const entry = (bundleId: string, uuid: string, role: string, target: string) => ({
      app: 'courier',
      role,
      team: TEAM,
      bundleId,
      method: 'app-store',
      targets: [target],
      identity: sha1,
      profile: {
        uuid,
        fileName: `${uuid}.mobileprovision`,
        sha256: 'a'.repeat(64),
        name: `${bundleId} App Store`,
        appId: `${TEAM}.${bundleId}`,
        platforms: ['iOS'],
        certificates: [sha1],
        createdAt: '2026-05-01T00:00:00Z',
        expiresAt: '2027-01-01T00:00:00Z',
      },
    });
    const manifest = {
      schemaVersion: 1,
      line: 'ios-main',
      certificates: { [sha1]: { commonName, team: TEAM, serial, expiresAt: '2027-01-01T00:00:00Z' } },
      profiles: [entry(HOST, HOST_NEW, 'host', 'Courier'), entry(SHARE, SHARE_NEW, 'extension', 'Share')],
    };
    return this.write('profiles.json', freezeManifest(manifest as unknown as Manifest).bytes);
  }

  private configure(): void {
    this.write('reseal/root.pem', this.apple.rootPem);
    const put = (name: string, text: string): string => this.write(`reseal/${name}`, `schemaVersion: 1\n${text}`);
    put(
      'topology.yaml',
      `installation: acme-test
lines: {ios-main: {identity: signers, distribution: copy, profilesOn: [signer], store: main, sources: [drop], successorOwner: alice}}
defaults: {environment: simulated, lines: [ios-main], image: tahoe-1}
nodes: [{name: ams-sign-1, region: eu-west, roles: [signer], keys: allowed, reach: {kind: local, home: ./node}}]
`,
    );
    put('policy.yaml', 'scan: {ticket: CHG-1}\n');
    put(
      'roster.yaml',
      'persons: [{id: alice, name: Alice, roles: [importer], keys: []}]\nroles: {importer: [import], release-leads: [], oncall: []}\n',
    );
    put(
      'reseal.yaml',
      'stores: {main: {kind: git, url: ./store.git, branch: main}}\nsources: {drop: {kind: drop, path: ./drop}}\ntrust: {extraRoots: [./root.pem]}\n',
    );
  }

  dispose(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export const problemsOf = (view: TriageView): readonly string[] =>
  view.stages.flatMap(({ findings }) =>
    findings.filter((one) => one.verdict !== 'ok').map(({ verdict, check, subject }) => `${verdict} ${check} ${subject}`.trim()),
  );

export const filesIn = (folder: string, prefix = ''): readonly string[] =>
  readdirSync(join(folder, prefix)).flatMap((name) =>
    statSync(join(folder, prefix, name)).isDirectory() ? filesIn(folder, `${prefix}${name}/`) : [`${prefix}${name}`],
  );

export const read = (path: string): Buffer => readFileSync(path);
