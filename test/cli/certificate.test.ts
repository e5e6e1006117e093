import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { GitManifestStore } from '../../activities/manifest-store/git.js';
import type { CommandEntry } from '../../src/cli/commands.js';
import { run } from '../../src/cli/main.js';
import type { NodeName } from '../../src/domain/brands.js';
import type { CertificateImportView } from '../../src/presenters/certificate.js';
import { readPkcs12 } from '../../src/identity/pkcs12.js';
import { openSealedIdentity } from '../../src/identity/sealed.js';
import { openAppleHierarchy, type DistributionCertificate } from '../../src/simulator/apple-hierarchy.js';

const ENTRIES: readonly CommandEntry[] = [
  { path: 'certificate import', description: 'import', load: () => import('../../src/cli/certificate/import.js') },
  { path: 'node delivery-key', description: 'delivery key', load: () => import('../../src/cli/node/delivery-key.js') },
];
const NOW = Date.parse('2026-03-01T09:00:00Z');
const TEAM = '9QK4T7XW2B';

let folder: string;
let identity: DistributionCertificate;
let expired: DistributionCertificate;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-certificate-'));
  const apple = await openAppleHierarchy(join(folder, 'apple'));
  const issue = (from: string, to: string) =>
    apple.issueCertificate({
      commonName: `Apple Distribution: Acme GmbH (${TEAM})`,
      team: TEAM,
      notBefore: new Date(from),
      notAfter: new Date(to),
    });
  identity = await issue('2026-01-01T00:00:00Z', '2027-01-01T00:00:00Z');
  expired = await issue('2024-01-01T00:00:00Z', '2025-01-01T00:00:00Z');
  openssl('ours', identity);
  openssl('expired', expired);
  // As OpenSSL 3 makes it by default: PBES2, which `security import` would refuse.
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** PKCS#12 as a person makes one on the command line, with the password `secret`. */
function openssl(name: string, { certificatePem, privateKeyPem }: DistributionCertificate): void {
  writeFileSync(join(folder, `${name}.pem`), `${certificatePem}\n${privateKeyPem}`);
  execFileSync('openssl', ['pkcs12', '-export', '-in', `${name}.pem`, '-out', `${name}.p12`, '-passout', 'pass:p12-secret'], {
    cwd: folder,
  });
}

beforeEach(() => {
  for (const one of ['reseal', 'nodes', 'store.git']) rmSync(join(folder, one), { recursive: true, force: true });
  for (const one of ['a', 'b', 'c']) mkdirSync(join(folder, 'nodes', one), { recursive: true });
  declare({});
  writeFileSync(join(folder, 'password'), 'p12-secret\n');
});

function declare(keys: Readonly<Record<string, string>>, identityOf = 'signers'): void {
  mkdirSync(join(folder, 'reseal'), { recursive: true });
  const put = (name: string, text: string): void => writeFileSync(join(folder, 'reseal', name), `schemaVersion: 1\n${text}`);
  const node = (name: string, more: string): string =>
    `  - {name: ${name}, region: eu-west, reach: {kind: local, home: ${join(folder, 'nodes', name)}}, ${more}${keys[name] === undefined ? '' : `, deliveryKey: ${keys[name]}`}}\n`;
  put(
    'topology.yaml',
    `installation: acme-test
lines:
  ios-main: {identity: ${identityOf}, distribution: copy, profilesOn: [signer], store: main, sources: [drop], successorOwner: alice${identityOf === 'sidecar' ? ', sidecar: {socket: /usr/local/var/reseal/sidecar/socket}' : ''}}
defaults: {environment: simulated, lines: [ios-main], image: tahoe-1}
nodes:
${node('a', 'roles: [signer], keys: allowed')}${node('b', 'roles: [signer], keys: allowed')}${node('c', 'roles: [compile]')}`,
  );
  put('policy.yaml', 'scan: {ticket: CHG-1}\n');
  put(
    'roster.yaml',
    'persons: [{id: alice, name: Alice, roles: [importer], keys: []}]\nroles: {importer: [import], release-leads: [], oncall: []}\n',
  );
  put(
    'reseal.yaml',
    `stores: {main: {kind: git, url: ${join(folder, 'store.git')}, branch: main}}\nsources: {drop: {kind: drop, path: ./drop}}\n`,
  );
}

async function reseal(...argv: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const exit = await run(argv, { stdout, stderr, env: { P12: 'p12-secret' }, cwd: folder, now: () => NOW }, ENTRIES);
  return { exit, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}
const importing = (file: string, ...more: string[]) =>
  reseal('certificate', 'import', file, '--line', 'ios-main', '--by', 'alice', '--ticket', 'CHG-7', ...more);

async function withKeys(): Promise<Readonly<Record<string, string>>> {
  const keys: Record<string, string> = {};
  for (const name of ['a', 'b']) {
    const { out } = await reseal('node', 'delivery-key', name, '--json');
    keys[name] = (JSON.parse(out) as { deliveryKey: string }).deliveryKey;
  }
  declare(keys);
  await (await GitManifestStore.open({ path: join(folder, 'store.git') })).create();
  return keys;
}

describe('reseal node delivery-key', () => {
  it('makes a key once, shows its public half, and keeps the private one where its owner alone reads it (T1)', async () => {
    const first = await reseal('node', 'delivery-key', 'a');
    expect(first.exit).toBe(0);
    expect(first.out).toMatch(
      /^Made a delivery key on a; its private half stays there\.\nDeclare it in topology\.yaml.*\n\n {4}deliveryKey: age1[a-z0-9]{58}\n$/,
    );
    const path = join(folder, 'nodes/a/usr/local/var/reseal/state/delivery.key');
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(first.out).not.toContain(readFileSync(path, 'utf8').trim());
    const again = await reseal('node', 'delivery-key', 'a');
    expect(again.out).toMatch(/^a has a delivery key\./);
    expect(/age1\w+/.exec(again.out)?.[0]).toBe(/age1\w+/.exec(first.out)?.[0]);
  });

  it('two at a time get the same', async () => {
    const both = await Promise.all([reseal('node', 'delivery-key', 'b'), reseal('node', 'delivery-key', 'b')]);
    expect(new Set(both.map(({ out }) => /age1\w+/.exec(out)?.[0])).size).toBe(1);
  });
});

describe('reseal certificate import (T1, S6)', () => {
  it('with --public it shows no whole fingerprint or serial number, as text or as a document (S8)', async () => {
    await withKeys();
    const whole = await importing('ours.p12', '--password-file', 'password', '--json');
    const { identity: facts } = JSON.parse(whole.out) as CertificateImportView;
    const planted = [facts.sha1, facts.serial];
    expect(planted.filter((one) => whole.out.includes(one))).toEqual(planted);
    for (const form of [[], ['--json']]) {
      const { exit, out } = await importing('ours.p12', '--password-file', 'password', '--public', ...form);
      expect([exit, planted.filter((one) => out.includes(one))]).toEqual([0, []]);
      expect(out).toContain('Apple Distribution: Acme GmbH');
    }
  });

  it('seals an identity to every signer and to nobody else, whatever the .p12 is encrypted with', async () => {
    const keys = await withKeys();
    const { exit, out, err } = await importing('ours.p12', '--password-file', 'password');
    expect(`${exit} ${err}`).toBe('0 ');
    expect(out).toContain(`identity     ${identity.sha1.slice(0, 8)} Apple Distribution: Acme GmbH (${TEAM})`);
    expect(out).toContain('sealed for   a, b\n');
    const store = await GitManifestStore.open({ path: join(folder, 'store.git') });
    const sha1 = identity.sha1;
    for (const name of ['a', 'b'] as NodeName[]) {
      const sealed = await store.sealedIdentity({ identity: sha1, node: name, recipient: keys[name] ?? '' });
      expect(sealed?.importedBy).toBe('alice');
      const secret = (node: string): string => readFileSync(join(folder, `nodes/${node}/usr/local/var/reseal/state/delivery.key`), 'utf8');
      const opened = await openSealedIdentity(sealed?.bytes ?? new Uint8Array(), secret(name), sha1);
      expect(readPkcs12(opened.pkcs12, opened.password, 'sealed').facts.sha1).toBe(sha1);
      await expect(openSealedIdentity(sealed?.bytes ?? new Uint8Array(), secret(name === 'a' ? 'b' : 'a'), sha1)).rejects.toThrow(
        /sealed to another key than the node's/,
      );
    }
    await store.close();
    const log = execFileSync('git', ['--git-dir', join(folder, 'store.git'), 'log', '-p', '--text', 'main'], { encoding: 'latin1' });
    expect(log).toContain('CHG-7');
    for (const secret of ['p12-secret', 'PRIVATE KEY', 'AGE-SECRET']) expect(log + out).not.toContain(secret);
  });

  it('imported again it replaces what was damaged', async () => {
    const keys = await withKeys();
    await importing('ours.p12', '--password-file', 'password');
    const store = await GitManifestStore.open({ path: join(folder, 'store.git') });
    const sealed = { identity: identity.sha1, node: 'a' as NodeName, recipient: keys['a'] ?? '' };
    await store.putMany([{ kind: 'sealed-identity', ...sealed, bytes: Buffer.from('damaged'), importedBy: 'mallory' }], {});
    await importing('ours.p12', '--password-file', 'password');
    const again = await store.sealedIdentity(sealed);
    expect(again?.importedBy).toBe('alice');
    const secret = readFileSync(join(folder, 'nodes/a/usr/local/var/reseal/state/delivery.key'), 'utf8');
    await openSealedIdentity(again?.bytes ?? new Uint8Array(), secret, identity.sha1);
    await store.close();
  });

  it('the password comes from a file or a variable, never as an argument', async () => {
    await withKeys();
    expect(await importing('ours.p12')).toMatchObject({ exit: 2, err: expect.stringContaining('--password-file FILE (- for stdin)') });
    expect(await importing('ours.p12', '--password-env', 'P12')).toMatchObject({ exit: 0 });
    expect(await importing('ours.p12', '--password-env', 'NOT_SET')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('NOT_SET is not set'),
    });
  });

  it('what is no usable identity is refused by what is wrong with it, and nothing is written', async () => {
    await withKeys();
    writeFileSync(join(folder, 'empty.p12'), '');
    writeFileSync(join(folder, 'page.p12'), '<html>log in</html>');
    execFileSync('openssl', ['pkcs12', '-export', '-nokeys', '-in', 'ours.pem', '-out', 'keyless.p12', '-passout', 'pass:p12-secret'], {
      cwd: folder,
    });
    writeFileSync(join(folder, 'wrong'), 'another');
    const told = async (file: string, password = 'password') => {
      const { exit, err } = await importing(file, '--password-file', password);
      expect(exit).toBe(1);
      expect(err).not.toContain('p12-secret');
      return err;
    };
    expect(await told('ours.p12', 'wrong')).toContain('ours.p12 cannot be used: its password is another one');
    expect(await told('empty.p12')).toContain('it is no PKCS#12');
    expect(await told('page.p12')).toContain('it is no PKCS#12');
    expect(await told('keyless.p12')).toContain('it holds no private key');
    expect(await told('expired.p12')).toContain('valid from 2024-01-01T00:00:00.000Z to 2025-01-01T00:00:00.000Z');
    expect(existsSync(join(folder, 'store.git', 'refs/heads/main'))).toBe(false);
  });

  it('without delivery keys, for a stranger, on a line of sidecars: refused, with what to do', async () => {
    expect(await importing('ours.p12', '--password-file', 'password')).toMatchObject({
      exit: 4,
      err: expect.stringMatching(/^a, b declare no deliveryKey in topology\.yaml.*\n?.*reseal node delivery-key a/),
    });
    await withKeys();
    const by = await reseal(
      'certificate',
      'import',
      'ours.p12',
      '--line',
      'ios-main',
      '--by',
      'mallory',
      '--ticket',
      'CHG-7',
      '--password-file',
      'password',
    );
    expect(by).toMatchObject({ exit: 4, err: expect.stringContaining('mallory may not import') });
    declare({}, 'sidecar');
    expect(await importing('ours.p12', '--password-file', 'password')).toMatchObject({ exit: 4, err: expect.stringContaining('sidecar') });
    declare({}, 'per-node');
    expect(await importing('ours.p12', '--password-file', 'password')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('--holder NODE'),
    });
  });
});
