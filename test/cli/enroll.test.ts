import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { run } from '../../src/cli/main.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-enroll-'));
  declare({});
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const state = (): string => join(folder, 'state');

/** A configuration whose nodes say these keys. */
function declare(keys: Readonly<Record<string, readonly string[]>>, gateway: readonly string[] = []): void {
  mkdirSync(join(folder, 'reseal'), { recursive: true });
  const put = (name: string, text: string): void => writeFileSync(join(folder, 'reseal', name), `schemaVersion: 1\n${text}`);
  const key = (name: string): string => (keys[name] === undefined ? '' : `, nodeKey: ${JSON.stringify(keys[name])}`);
  put(
    'topology.yaml',
    `installation: acme-test
lines:
  ios-main: {identity: signers, distribution: copy, profilesOn: [signer], store: main, sources: [drop], successorOwner: alice}
defaults: {environment: staging, lines: [ios-main], image: tahoe-1, region: eu-west, roles: [signer], keys: allowed, state: ~/state, mount: ~/mount}
nodes:
  - {name: a, reach: {kind: agent}${key('a')}}
  - {name: b, reach: {kind: agent}${key('b')}}
  - {name: over-ssh, reach: {kind: ssh, host: 10.0.0.1, user: reseal}}
  - {name: here, reach: {kind: local, home: ${join(folder, 'here')}}}
`,
  );
  put('policy.yaml', 'scan: {ticket: CHG-1}\n');
  put('roster.yaml', 'persons: [{id: alice, name: Alice, roles: [importer], keys: []}]\nroles: {importer: [import], release-leads: [], oncall: []}\n'); // prettier-ignore
  put(
    'reseal.yaml',
    `stores: {main: {kind: git, url: ${join(folder, 'store.git')}, branch: main}}\nsources: {drop: {kind: drop, path: ./drop}}\nssh: {gateways: per-region, gatewayKeys: {${gateway.length === 0 ? '' : `eu-west: ${JSON.stringify(gateway)}`}}}\n`,
  );
}

async function enroll(...argv: string[]) {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const env = { RESEAL_HOME: join(folder, 'home') };
  const exit = await run(['node', 'enroll', ...argv], { stdout, stderr, env, cwd: folder, now: Date.now });
  return { exit, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
}
const onMac = (...more: string[]) => enroll('a', '--builds-home', folder, ...more);
const keyIn = (text: string): string => /ssh-ed25519 [A-Za-z0-9+/]{68}/.exec(text)?.[0] ?? '';

describe('reseal node enroll', () => {
  it('makes a key once, shows its public half and where to declare it, and keeps the private one where its owner alone reads it', async () => {
    const first = await onMac();
    expect(first).toMatchObject({ exit: 0, err: '' });
    expect(first.out).toBe(
      `Made a key for a; its private half stays on this machine.\nDeclare it in topology.yaml, at this node:\n\n    nodeKey: "${keyIn(first.out)}"\n`,
    );
    expect(statSync(join(state(), 'node.key')).mode & 0o777).toBe(0o600);
    const secret = readFileSync(join(state(), 'node.key'), 'utf8');
    expect(secret).toContain('PRIVATE KEY');
    expect(first.out).not.toContain(secret.split('\n')[1]);
    declare({ a: [keyIn(first.out)] });
    expect((await onMac()).out).toBe(`a has a key.\nThe configuration declares it: ${keyIn(first.out)}\n`);
    expect(readdirSync(state())).toEqual(['node.key']);
  });

  it('two at a time get the same', async () => {
    const both = await Promise.all([onMac(), onMac()]);
    expect(new Set(both.map(({ out }) => keyIn(out))).size).toBe(1);
  });

  it('replaces a key in three steps, and deletes the old one only when the configuration has let it go', async () => {
    const old = keyIn((await onMac()).out);
    declare({ a: [old] });
    const renewed = await onMac('--renew');
    const [, next = ''] = renewed.out.match(/nodeKey: \["[^"]+","([^"]+)"\]|nodeKey: \["[^"]+", "([^"]+)"\]/)?.filter(Boolean) ?? [];
    expect(next).toMatch(/^ssh-ed25519 /);
    expect((await onMac('--renew')).out).toBe(renewed.out);
    declare({ a: [old, next] });
    expect((await onMac()).out).toContain('Both are declared. When nothing is in flight that began before, declare the new one alone');
    expect(existsSync(join(state(), 'node.key.next'))).toBe(true);
    declare({ a: [next] });
    expect((await onMac()).out).toBe('The configuration declares the new key of a alone, so the old one was deleted.\n');
    expect(readdirSync(state())).toEqual(['node.key']);
    expect(keyIn((await onMac()).out)).toBe(next);
  });

  it('enrolls a gateway on its machine', async () => {
    const made = await enroll('--gateway', 'eu-west');
    expect(made.out).toContain('Declare it in reseal.yaml:\n\nssh:\n  gatewayKeys:\n    eu-west: "ssh-ed25519 ');
    declare({}, [keyIn(made.out)]);
    expect((await enroll('--gateway', 'eu-west')).out).toContain('The configuration declares it');
    expect(await enroll('--gateway', '../../elsewhere')).toMatchObject({ exit: 2, err: expect.stringContaining('declares no host') });
  });

  it.each([
    [['over-ssh'], 4, 'its host key, pinned in known_hosts, says who it is'],
    [['here'], 4, 'the workers of the installation serve: they need no key'],
    [['nobody'], 2, 'topology.yaml declares no node nobody'],
    [[], 2, 'Name the node that this Mac is'],
    [['a', '--gateway', 'eu-west'], 2, 'Name the node that this Mac is'],
  ])('refuses %j in a sentence', async (argv, exit, says) => {
    expect(await enroll(...argv)).toMatchObject({ exit, out: '', err: expect.stringContaining(says) });
  });

  it('does not use a key that others may read, nor one that is none', async () => {
    await onMac();
    chmodSync(join(state(), 'node.key'), 0o640);
    const readable = await onMac();
    expect(readable.err).toContain('(mode 0640), so the key in it is nobody');
    expect(readable.exit).not.toBe(0);
    writeFileSync(join(state(), 'node.key'), 'secret-canary', { mode: 0o600 });
    chmodSync(join(state(), 'node.key'), 0o600);
    const none = await onMac();
    expect(none.err).toContain('holds no Ed25519 private key in PEM');
    expect(none.err).not.toContain('secret-canary');
  });
});

it('a key stands for one node: the configuration says which other has it', async () => {
  const key = keyIn((await onMac()).out);
  declare({ a: [key], b: [key] });
  const ran = await onMac();
  expect(ran).toMatchObject({ exit: 2, err: expect.stringContaining('a key of its own; a has that one') });
});
