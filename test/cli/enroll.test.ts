import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { GitManifestStore } from '../../activities/manifest-store/git.js';
import { run } from '../../src/cli/main.js';
import { makeSshKey } from '../setup/ssh-keys.js';

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
const EVERY =
  '\nIt follows every order that comes by Temporal: the installation signs none (orders.key of reseal.yaml).\nIt serves what its orders say, whoever has approved it. Pin whose approvals count with `--approvers declared`.\n';
const keyIn = (text: string): string => /ssh-ed25519 [A-Za-z0-9+/]{68}/.exec(text)?.[0] ?? '';

describe('reseal node enroll', () => {
  it('makes a key once, shows its public half and where to declare it, and keeps the private one where its owner alone reads it', async () => {
    const first = await onMac();
    expect(first).toMatchObject({ exit: 0, err: '' });
    expect(first.out).toBe(
      `Made a key for a; its private half stays on this machine.\nDeclare it in topology.yaml, at this node:\n\n    nodeKey: "${keyIn(first.out)}"\n${EVERY}`,
    );
    expect(statSync(join(state(), 'node.key')).mode & 0o777).toBe(0o600);
    const secret = readFileSync(join(state(), 'node.key'), 'utf8');
    expect(secret).toContain('PRIVATE KEY');
    expect(first.out).not.toContain(secret.split('\n')[1]);
    declare({ a: [keyIn(first.out)] });
    expect((await onMac()).out).toBe(`a has a key.\nThe configuration declares it: ${keyIn(first.out)}\n${EVERY}`);
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
    expect((await onMac()).out).toBe(`The configuration declares the new key of a alone, so the old one was deleted.\n${EVERY}`);
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

describe('whose orders a machine follows (T2)', () => {
  const orderKey = async (...argv: string[]) => {
    const [stdout, stderr] = [new PassThrough(), new PassThrough()];
    const exit = await run(['order-key', ...argv], { stdout, stderr, env: {}, cwd: folder, now: Date.now });
    return { exit, out: String(stdout.read() ?? ''), err: String(stderr.read() ?? '') };
  };
  const made = async (file: string): Promise<string> => keyIn((await orderKey('new', '--file', file)).out);
  const pins = (): string => readFileSync(join(state(), 'control.keys'), 'utf8');

  it('a key is made once, for its account alone, and its public half told again, never the private one', async () => {
    const first = await orderKey('new', '--file', 'keys/order.key');
    expect(first.exit).toBe(0);
    expect(first.out).toContain(`reseal node enroll NODE --control "${keyIn(first.out)}"`);
    const file = join(folder, 'keys/order.key');
    const secret = readFileSync(file, 'utf8');
    expect([statSync(file).mode & 0o777, secret.includes('PRIVATE KEY'), first.out.includes(secret.split('\n')[1] ?? '')]).toEqual([
      0o600,
      true,
      false,
    ]);
    expect((await orderKey('show', '--file', 'keys/order.key')).out).toBe(`${keyIn(first.out)}\n`);
    expect(await orderKey('new', '--file', 'keys/order.key')).toMatchObject({
      exit: 4,
      err: expect.stringContaining('is there already, and was left as it is'),
    });
    expect(readFileSync(file, 'utf8')).toBe(secret);
  });

  it.each([
    [['show'], 2, 'reseal.yaml declares no orders.key, so orders are not signed'],
    [['new'], 2, 'reseal.yaml names no file for the key that orders are signed with'],
    [['show', '--file', 'nowhere.key'], 2, 'is not to be had: the file'],
  ])('order-key %j says what is missing', async (argv, exit, says) => {
    expect(await orderKey(...argv)).toMatchObject({ exit, out: '', err: expect.stringContaining(says) });
  });

  it('one is pinned, two while it is replaced, none again; the last word counts, and enrolling by itself changes none', async () => {
    const [one, two] = [await made('one.key'), await made('two.key')];
    expect((await onMac('--control', one)).out).toMatch(/It follows orders signed by SHA256:\S{43}, and no others\.\n/);
    expect(pins()).toBe(`${one}\n`);
    expect((await onMac('--control', one, '--control', two)).out).toMatch(/signed by SHA256:\S{43} or SHA256:\S{43}, and no others/);
    expect(pins()).toBe(`${one}\n${two}\n`);
    await onMac();
    expect(pins()).toBe(`${one}\n${two}\n`);
    expect((await onMac('--control', 'none')).out).toContain('It follows every order');
    expect(readdirSync(state())).toEqual(['node.key']);
  });

  it('what is no public key is not pinned, and what was pinned stays', async () => {
    const one = await made('one.key');
    await onMac('--control', one);
    for (const bad of [
      '',
      'ssh-ed25519',
      `${one}\nssh-ed25519 AAAA`,
      'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAA',
      '-oProxyCommand=x',
      '../../x',
    ])
      expect(await onMac(`--control=${bad}`), bad).toMatchObject({ exit: 2, err: expect.stringContaining('--control takes a public key') });
    expect(pins()).toBe(`${one}\n`);
  });

  it('a file of pins that says nothing is no leave to follow everybody', async () => {
    await onMac('--control', await made('one.key'));
    for (const text of ['', 'nonsense\n']) {
      writeFileSync(join(state(), 'control.keys'), text);
      const ran = await onMac();
      expect(ran.exit).not.toBe(0);
      expect(ran.err).toContain('does not say whose orders count');
    }
  });
});

describe('whose approvals a machine counts (T2, T6)', () => {
  const people = (...keyed: string[]): void => {
    const persons = ['ada', 'grace', 'rita'].map((id) => {
      const keys = keyed.includes(id) ? [{ kind: 'ssh', public: makeSshKey(folder, `${id}-${randomUUID()}`).line }] : [];
      return { id, name: id, roles: [id === 'rita' ? 'importer' : 'approver'], keys };
    });
    const roles = { importer: ['import'], approver: ['approve'], 'release-leads': [], oncall: [] };
    writeFileSync(
      join(folder, 'reseal', 'roster.yaml'),
      JSON.stringify({ schemaVersion: 1, persons: [...persons, { id: 'alice', name: 'Alice', roles: ['importer'], keys: [] }], roles }),
    );
  };
  const begun = async (): Promise<void> => {
    const store = await GitManifestStore.open({ path: join(folder, 'store.git') });
    try {
      await store.create();
      await store.advance('ios-main' as never, 0, 'a'.repeat(64) as never, {});
    } finally {
      await store.close();
    }
  };

  it('those of the roster are pinned with what is in force, in words, and let go again', async () => {
    people('ada', 'grace', 'rita');
    await begun();
    const ran = await onMac('--approvers', 'declared');
    expect(ran.err).toBe('');
    expect(ran.out).toContain(
      'It serves what 2 of ada, grace have approved, what was in force when they were pinned, and nothing else.\nWhere 2 of them adopt another roster, its approvers take their place.\nIn a canary a may serve what nobody has approved yet; `canary: forbidden` in topology.yaml, and pinning anew, ends that.\n',
    );
    expect(JSON.parse(readFileSync(join(state(), 'approvers.json'), 'utf8'))).toMatchObject({
      installation: 'acme-test',
      needed: 2,
      canary: ['a'],
    });
    expect(readFileSync(join(state(), 'approved-manifests'), 'utf8')).toBe(`ios-main ${'a'.repeat(64)}\n`);
    const gateway = await enroll('--gateway', 'eu-west', '--approvers', 'declared', '--json');
    expect(JSON.parse(gateway.out)).toMatchObject({ approvers: { needed: 2, canary: ['over-ssh'] } });
    expect((await onMac('--approvers', 'none')).out).toContain('It serves what its orders say, whoever has approved it.');
  });

  it.each([
    [[], 'nobody has a key in roster.yaml'],
    [['ada', 'rita'], 'only ada has a key in roster.yaml'],
  ])('of %j alone, two of whom are needed, nobody is pinned', async (keyed, says) => {
    people(...keyed);
    await begun();
    expect(await onMac('--approvers', 'declared')).toMatchObject({ exit: 2, err: expect.stringContaining(says) });
    expect(existsSync(join(state(), 'approvers.json'))).toBe(false);
  });

  it('where what is in force cannot be read nobody is pinned: the machine would serve nothing', async () => {
    people('ada', 'grace');
    expect(await onMac('--approvers', 'declared')).toMatchObject({ exit: 3 });
    expect(existsSync(join(state(), 'approvers.json'))).toBe(false);
    expect(await onMac('--approvers', 'everybody')).toMatchObject({
      exit: 2,
      err: expect.stringContaining('--approvers takes declared or none'),
    });
  });

  it('a file that says nothing is no leave to serve everything', async () => {
    people('ada', 'grace');
    await begun();
    await onMac('--approvers', 'declared');
    writeFileSync(join(state(), 'approvers.json'), '{"schemaVersion":1,"needed":0}');
    const ran = await onMac();
    expect(ran.exit).not.toBe(0);
    expect(ran.err).toContain('does not say whose approvals count');
  });
});
