import { readFileSync } from 'node:fs';
import { mkdir, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KeychainPolicy, NodeDeclaration } from '../../src/domain/topology.js';
import { readPkcs12 } from '../../src/identity/pkcs12.js';
import { newDeliveryKey, sealIdentity, type DeliveryKey } from '../../src/identity/sealed.js';
import type { DistributionCertificate } from '../../src/simulator/apple-hierarchy.js';
import { makeApp } from '../../src/simulator/mac/app-bundle.js';
import { setFault } from '../../src/simulator/mac/faults.js';
import { setClock } from '../../src/simulator/mac/install.js';
import { request } from '../profile/support.js';
import { simulatedMac, type Mac } from '../simulator/mac/support.js';
import { NODE, NOW, POLICY, world, type World } from './mesh.js';

const PASSWORD = 'ci "keychain\\password" $HOME';
const STATE = 'usr/local/var/reseal/state';
let mac: Mac;
let mesh: World;
let old: DistributionCertificate;
let fresh: DistributionCertificate;
let key: DeliveryKey;

const keychainFor = (identity: DistributionCertificate): string => `reseal-${identity.sha1.slice(0, 8)}.keychain-db`;
const valid = (): string => mac.security('find-identity', '-v', '-p', 'codesigning').stdout.toLowerCase();
const searchList = (): readonly string[] =>
  mac
    .security('list-keychains', '-d', 'user')
    .stdout.split('\n')
    .filter(Boolean)
    .map((line) => line.trim().replaceAll('"', '').split('/').at(-1) ?? '');

/** A signer whose old identity was imported by hand, and whose successor is sealed to it in the store. */
async function signer(
  over: { readonly node?: Partial<NodeDeclaration>; readonly keychains?: Partial<KeychainPolicy> } = {},
): Promise<void> {
  mesh = await world({
    home: mac.home,
    node: { environment: 'production', keys: 'allowed', roles: ['signer'], deliveryKey: key.recipient, ...over.node },
    identity: old.sha1,
    newIdentity: fresh.sha1,
    // Real ones: a switch signs a stub with them.
    profiles: ({ bundleId, identity, profile }) =>
      mac.apple.makeProfile(
        request({
          certificates: [identity === old.sha1 ? old : fresh],
          uuid: profile.uuid,
          name: profile.name,
          bundleId,
          createdAt: new Date(profile.createdAt),
          expiresAt: new Date(profile.expiresAt),
        }),
      ),
    manifest: (manifest) => ({
      ...manifest,
      certificates: Object.fromEntries(
        Object.entries(manifest.certificates).map(([sha1, one]) => [sha1, { ...one, commonName: fresh.commonName }]),
      ),
    }),
    policy: { probe: { ...POLICY.probe, checkTimeout: 5_000 } },
    keychains: {
      unlockWindows: [],
      onUnlockFailure: ['retry', 'page'],
      password: { file: '/usr/local/var/reseal/state/keychain.password' },
      ...over.keychains,
    },
  });
  await mkdir(join(mac.home, STATE), { recursive: true });
  await writeFile(join(mac.home, STATE, 'keychain.password'), `${PASSWORD}\n`, { mode: 0o600 });
  await writeFile(join(mac.home, STATE, 'delivery.key'), `${key.secret}\n`, { mode: 0o600 });
  const identity = readPkcs12(readFileSync(mac.pkcs12(fresh)), 'p12', 'fresh.p12');
  mesh.store.sealed.set(`${fresh.sha1} ${NODE} ${key.recipient}`, await sealIdentity(identity, key.recipient));
  await mesh.settled();
}
const stage = (opId = 'stage') => mesh.activities().stageNode({ ...mesh.order(1000, opId), to: mesh.to });
const switchTo = (target: 'from' | 'to', opId = 'switch', epoch = 1000) =>
  mesh.activities().switchNode({ ...mesh.order(epoch, opId), target: mesh[target], revertTo: null });

beforeEach(async () => {
  mac = await simulatedMac();
  await setClock(mac.home, new Date(NOW));
  old = await mac.issue();
  fresh = await mac.issue();
  key = await newDeliveryKey();
  mac.importReady(old);
});
afterEach(() => mac.dispose());

describe('a certificate rotates on a node that signs (R2, S5, T1)', () => {
  it('is imported into a keychain of its own, ready for codesign, while the old one stays', async () => {
    await signer();
    expect(await stage()).toMatchObject({ outcome: 'done' });
    expect(valid()).toContain(fresh.sha1);
    expect(valid()).toContain(old.sha1);
    expect(searchList()).toContain(keychainFor(fresh));
    await makeApp(mac.home, { name: 'Stub', bundleId: 'com.acme.courier' });
    const signed = mac.run('codesign', ['--force', '--sign', fresh.sha1.toUpperCase(), '--timestamp=none', 'Stub.app']);
    expect(signed).toMatchObject({ code: 0 });
    expect(await switchTo('to')).toMatchObject({ outcome: 'done', active: mesh.to });
  });

  it('its key lets codesign use it, as the keychain shows; one without that fails the node before anything is signed', async () => {
    await signer();
    await stage();
    const partitions = async (): Promise<string> => {
      const { checks = [] } = await mesh.activities().inspectNode({ ...mesh.order(1000, 'look'), manifest: mesh.to, everyCheck: true });
      const found = checks.find(({ check }) => check === 'partition-lists');
      return `${found?.verdict ?? 'none'}: ${found?.reason ?? ''}`;
    };
    expect(await partitions()).toBe('pass: 1 keys let `codesign` use them');
    await setFault(mac.home, { kind: 'no-partition-list' });
    expect(await partitions()).toMatch(
      /^fail: Node ams-build-1: a key in reseal-\w{8}\.keychain-db has a partition list without `codesign:`.*security set-key-partition-list/,
    );
    mac.security('lock-keychain', keychainFor(fresh));
    expect(await partitions()).toBe('not-due: no identity is in an open keychain of its own');
  });

  it('leaves nothing of the delivered file on the node, and no password in any argument, in the journal, in an order', async () => {
    await signer();
    const said = join(mac.home, 'arguments');
    const program = join(mac.home, 'bin/security');
    await rename(program, `${program}.own`);
    await writeFile(program, `#!/bin/sh\nprintf '%s\\n' "$*" >>'${said}'\nexec '${program}.own' "$@"\n`, { mode: 0o755 });
    await stage();
    const args = readFileSync(said, 'utf8');
    expect(args).toContain('find-identity');
    expect(args).toMatch(/^-i$/m);
    expect(args).not.toContain('keychain\\password');
    expect(args).not.toContain('-P');
    expect(await readdir(join(mac.home, STATE, 'incoming'))).toEqual([]);
    const journal = JSON.stringify(await mesh.journal());
    expect(journal).toContain('put-identity');
    expect(journal).not.toContain(PASSWORD);
    expect((await stat(join(mac.home, STATE, 'keychains', fresh.sha1))).isFile()).toBe(true);
  });

  it('staged twice it is imported once; a keychain made halfway is finished by the next attempt', async () => {
    await signer();
    let imports = 0;
    const cut = mesh.activities({
      hooks: {
        beforeEffect: (step) => {
          if (step.do === 'put-identity' && imports++ === 0) throw new Error('the process was killed');
        },
      },
    });
    await expect(cut.stageNode({ ...mesh.order(1000, 'stage'), to: mesh.to })).rejects.toThrow('killed');
    // As a process that died between two commands leaves it: made, listed by macOS, and empty.
    mac.interactive(`create-keychain -p ${JSON.stringify(PASSWORD)} ${keychainFor(fresh)}`);
    expect(await stage()).toMatchObject({ outcome: 'done' });
    expect(await stage('stage-again')).toMatchObject({ outcome: 'done' });
    expect(valid().split(fresh.sha1)).toHaveLength(2);
  });

  it('is shelved by unstage and put back by stage, without the store', async () => {
    await signer();
    await stage();
    await mesh.activities().unstageNode({ ...mesh.order(1001, 'unstage'), remove: mesh.to, keep: mesh.from });
    expect(valid()).not.toContain(fresh.sha1);
    expect(searchList()).not.toContain(keychainFor(fresh));
    expect(mac.security('show-keychain-info', keychainFor(fresh)).code).toBe(36);
    mesh.store.sealed.clear();
    expect(await mesh.activities().stageNode({ ...mesh.order(2000, 'again'), to: mesh.to })).toMatchObject({ outcome: 'done' });
    expect(await switchTo('to', 'switch', 2000)).toMatchObject({ outcome: 'done' });
    expect(valid()).toContain(fresh.sha1);
  });

  it('the old keychain that reseal made is retired and restored; one that somebody made by hand stays (R6, R9)', async () => {
    await signer();
    await stage();
    await switchTo('to');
    const retired = await mesh.activities().retireNode({ ...mesh.order(1000, 'retire'), old: mesh.from, keep: mesh.to });
    expect(retired).toMatchObject({ outcome: 'done' });
    // It lies in the login keychain, which is not reseal's.
    expect(valid()).toContain(old.sha1);
    // The way back of a later rotation retires what reseal made.
    await mesh.activities().restoreNode({ ...mesh.order(2001, 'restore'), manifest: mesh.from });
    await switchTo('from', 'back', 2001);
    await mesh.activities().unstageNode({ ...mesh.order(2001, 'unstage'), remove: mesh.to, keep: mesh.from });
    expect(searchList()).not.toContain(keychainFor(fresh));
    expect(await mesh.activities().restoreNode({ ...mesh.order(3001, 'restore'), manifest: mesh.to })).toMatchObject({ outcome: 'done' });
    expect(searchList()).toContain(keychainFor(fresh));
  });

  it('an identity of another accepted line is not shelved with this one', async () => {
    await signer();
    await stage();
    const accepted = join(mac.home, STATE, 'accepted.json');
    const all = JSON.parse(readFileSync(accepted, 'utf8')) as Record<string, string[]>;
    await mkdir(join(mac.home, 'usr/local/var/reseal/mount/other/manifests'), { recursive: true });
    const bytes = await mesh.store.manifest(mesh.to);
    await writeFile(join(mac.home, `usr/local/var/reseal/mount/other/manifests/${mesh.to}.json`), bytes);
    await writeFile(accepted, JSON.stringify({ ...all, other: [mesh.to] }));
    await mesh.activities().unstageNode({ ...mesh.order(1001, 'unstage'), remove: mesh.to, keep: mesh.from });
    expect(valid()).toContain(fresh.sha1);
  });
});

describe('purge destroys retired keychains, and nothing that a rollback may need (R6)', () => {
  const purge = () => mesh.activities().purgeNode({ ...mesh.order(0, 'purge by ada'), rotation: 'ios-main-purge', ticket: 'CHG-9' });
  const reason = async (): Promise<string> => (await purge()).kept.map((one) => one.reason).join('; ');

  it('only when it is off the list, no manifest names it, and its horizon has passed; twice is once', async () => {
    await signer();
    expect(await purge()).toEqual({ purged: [], kept: [] });
    await stage();
    expect(await reason()).toBe('a manifest that the node accepts signs with it');
    await mesh.activities().unstageNode({ ...mesh.order(1001, 'unstage'), remove: mesh.to, keep: mesh.from });
    expect(await reason()).toMatch(/^a rollback may need it until 202\d-\d\d-\d\d \d\d:\d\d UTC; purge it then$/);
    expect(mac.security('show-keychain-info', keychainFor(fresh)).code).toBe(36);
    mesh.now = Date.parse('2030-01-01T00:00:00Z');
    expect(await purge()).toEqual({ purged: [fresh.sha1], kept: [] });
    expect(mac.security('show-keychain-info', keychainFor(fresh)).code).toBe(50);
    expect(await purge()).toEqual({ purged: [], kept: [] });
    const entries = (await mesh.journal()).filter((entry) => entry.do === 'purge');
    expect(entries.map(({ phase, rotation, subject }) => [phase, rotation, subject])).toEqual([
      ['intent', 'CHG-9', fresh.sha1],
      ['result', 'CHG-9', fresh.sha1],
    ]);
  });

  it('a node whose quarantine was cleared away is judged alike, by the note beside the mark, which goes with the keychain', async () => {
    await signer();
    await stage();
    await mesh.activities().unstageNode({ ...mesh.order(1001, 'unstage'), remove: mesh.to, keep: mesh.from });
    const before = await purge();
    await rm(join(mac.home, STATE, 'quarantine'), { recursive: true });
    expect(await purge()).toEqual(before);
    const until = Date.parse(before.kept[0]?.possibleFrom ?? '');
    mesh.now = until - 1;
    expect((await purge()).purged).toEqual([]);
    mesh.now = until;
    expect(await purge()).toEqual({ purged: [fresh.sha1], kept: [] });
    expect(await readdir(join(mac.home, STATE, 'keychains'))).toEqual([]);
  });

  it('one that was cut off after the keychain had gone is finished by the next; one that only says so is found out', async () => {
    await signer();
    await stage();
    await mesh.activities().unstageNode({ ...mesh.order(1001, 'unstage'), remove: mesh.to, keep: mesh.from });
    mesh.now = Date.parse('2030-01-01T00:00:00Z');
    const own = join(mac.home, 'bin/security');
    await rename(own, `${own}.own`);
    // Takes the order, and does nothing.
    await writeFile(
      own,
      `#!/bin/sh\nif [ "$1" = -i ]; then input=$(cat); case $input in *'"delete-keychain"'*) exit 0 ;; esac; printf '%s\\n' "$input" | '${own}.own' -i; else exec '${own}.own' "$@"; fi\n`,
      { mode: 0o755 },
    );
    await expect(purge()).rejects.toMatchObject({
      type: 'READ_BACK_FAILED',
      message: `Node ams-build-1: the keychain ${keychainFor(fresh)} is still there after it was destroyed.`,
    });
    await rename(`${own}.own`, own);
    // As a purge that was killed leaves it: the keychain has gone, its mark has not.
    mac.security('delete-keychain', keychainFor(fresh));
    expect(await purge()).toEqual({ purged: [fresh.sha1], kept: [] });
    expect(await readdir(join(mac.home, STATE, 'keychains'))).toEqual([]);
    expect(await purge()).toEqual({ purged: [], kept: [] });
  });

  it('a note that says nothing keeps the keychain, and is named', async () => {
    await signer();
    await stage();
    await mesh.activities().unstageNode({ ...mesh.order(1001, 'unstage'), remove: mesh.to, keep: mesh.from });
    await writeFile(join(mac.home, STATE, `keychains/${fresh.sha1}.horizon.json`), '{}');
    mesh.now = Date.parse('2030-01-01T00:00:00Z');
    await expect(purge()).rejects.toThrow(`keychains/${fresh.sha1}.horizon.json does not say until when a rollback may need the keychain`);
    expect(mac.security('show-keychain-info', keychainFor(fresh)).code).toBe(36);
  });

  it('takes no line from a rotation: an order that was admitted before goes on', async () => {
    await signer();
    let purging: Promise<unknown> = Promise.resolve();
    const activities = mesh.activities({
      sleep: async () => {
        purging = purge();
        await purging;
      },
    });
    await stage();
    expect(await activities.switchNode({ ...mesh.order(1000, 'switch'), target: mesh.to, revertTo: null })).toMatchObject({
      outcome: 'done',
    });
    await purging;
  });
});

describe('keychains of others, and the way back (R6, S5)', () => {
  /** Puts a line before the node's own `security`, which sees what it is given on stdin as `$input`. */
  async function before(line: string): Promise<void> {
    const program = join(mac.home, 'bin/security');
    await rename(program, `${program}.own`).catch(() => undefined);
    const script = `#!/bin/sh\nif [ "$1" = -i ]; then input=$(cat); else input=; fi\n${line}\n`;
    await writeFile(
      program,
      `${script}if [ "$1" = -i ]; then printf '%s\\n' "$input" | '${program}.own' -i; else exec '${program}.own' "$@"; fi\n`,
      { mode: 0o755 },
    );
  }
  const broken = "echo 'security: it does not answer' >&2; exit 1";

  it('what a job lists while an identity is imported stays on the search list', async () => {
    await signer();
    const own = join(mac.home, 'bin/security.own');
    mac.interactive('create-keychain -p job job.keychain-db', 'list-keychains -d user -s login.keychain');
    // In the middle of the import: after the list was read for the first time.
    await before(`case $input in *'"import"'*) printf 'list-keychains -d user -s login.keychain job.keychain-db\\n' | '${own}' -i ;; esac`);
    expect(await stage()).toMatchObject({ outcome: 'done' });
    expect(searchList()).toEqual(['login.keychain-db', 'job.keychain-db', keychainFor(fresh)]);
  });

  it('an empty answer about the search list is no list to write back', async () => {
    await signer();
    await before(`[ "$1" != list-keychains ] || exit 0`);
    await expect(stage()).rejects.toMatchObject({
      type: 'KEYCHAIN_FAILED',
      message: expect.stringContaining('its keychain search list is empty'),
    });
    await rename(join(mac.home, 'bin/security.own'), join(mac.home, 'bin/security'));
    expect(searchList()).toContain('login.keychain-db');
  });

  it('a node goes back while `security` does not answer: builds read the pointer', async () => {
    await signer();
    await stage();
    expect(await switchTo('to')).toMatchObject({ outcome: 'done' });
    await before(broken);
    const back = await mesh.activities().switchNode({ ...mesh.order(1001, 'ios-main-1/return/1001'), target: mesh.from, revertTo: null });
    expect(back).toMatchObject({ active: mesh.from, outcome: 'inconclusive' });
  });

  it('restores the files of a retired manifest while `security` does not answer, and says that the identity is not back', async () => {
    await signer();
    await stage();
    await switchTo('to');
    await mesh.activities().retireNode({ ...mesh.order(1000, 'retire'), old: mesh.from, keep: mesh.to });
    await before(broken);
    const restored = await mesh.activities().restoreNode({ ...mesh.order(1001, 'restore'), manifest: mesh.from });
    expect(restored).toMatchObject({
      outcome: 'failed',
      reason: expect.stringMatching(/^The old files are back, the identity is not: Node ams-build-1/),
    });
    const accepted = JSON.parse(readFileSync(join(mac.home, STATE, 'accepted.json'), 'utf8')) as Record<string, string[]>;
    expect(accepted['ios-main']).toContain(mesh.from);
  });

  const KEYCHAIN = 'reseal-XXXXXXXX.keychain-db';
  it.each<readonly [command: string, says: string, returned: number, sentence: string]>([
    ['unlock-keychain', 'SecKeychainUnlock: User interaction is not allowed.', -25308, 'cannot unlock it: macOS would ask a person'],
    ['unlock-keychain', 'SecKeychainUnlock: The specified keychain could not be found.', -25294, 'cannot unlock it: it is not there'],
    ['unlock-keychain', 'SecKeychainUnlock: The specified keychain is not a valid keychain file.', -25295, 'cannot unlock it: the file is no keychain'],
    ['import', 'SecKeychainItemImport: MAC verification failed during PKCS12 import (wrong password?)', 1, 'cannot import the identity XXXXXXXX: macOS refuses its password or encryption'],
    ['import', 'SecKeychainItemImport: Unknown format in import.', 1, 'cannot import the identity XXXXXXXX: macOS does not know its format'],
    ['set-key-partition-list', 'SecKeychainUnlock: The user name or passphrase you entered is not correct.', 1, 'cannot let codesign use its key: its password is another one'],
    ['set-key-partition-list', 'SecItemCopyMatching: The specified item could not be found in the keychain.', 1, 'cannot let codesign use its key: it holds no private key'],
  ])('of `%s` that fails with "%s" the sentence says what it could not do and why; the next attempt mends it', async (command, says, returned, sentence) => {
    await signer();
    await before(`case $input in *'"${command}"'*) echo 'security: ${says}' >&2; echo '${command}: returned ${returned}' >&2; exit 1 ;; esac`);
    const named = (text: string): string => text.replaceAll('XXXXXXXX', fresh.sha1.slice(0, 8));
    await expect(stage()).rejects.toMatchObject({
      type: 'KEYCHAIN_FAILED',
      message: expect.stringContaining(`Node ams-build-1, keychain ${named(KEYCHAIN)}: ${named(sentence)}`) as string,
    });
    expect(searchList()).not.toContain(keychainFor(fresh));
    await rename(join(mac.home, 'bin/security.own'), join(mac.home, 'bin/security'));
    expect(await stage('again')).toMatchObject({ outcome: 'done' });
    expect(valid()).toContain(fresh.sha1);
  }); // prettier-ignore

  it('a list that `security` would cut short is not sent', async () => {
    await signer();
    await before(
      `[ "$1 $2" != 'list-keychains -d' ] || { for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27 28 29; do printf '    "/k/%s.keychain-db"\\n' $n; done; exit 0; }`,
    );
    await expect(stage()).rejects.toThrow('the search list has more entries than `security` takes at once (28)');
  });

  it('a keychain that could not be locked is not listed as if it were', async () => {
    await signer({ keychains: { unlockWindows: [{ days: ['sat'], from: '00:00', to: '00:01', zone: 'UTC' }] } });
    await before(`case $input in *'"lock-keychain"'*) echo 'lock-keychain: returned -25308' >&2; exit 36 ;; esac`);
    await expect(stage()).rejects.toThrow('cannot lock it');
    await rename(join(mac.home, 'bin/security.own'), join(mac.home, 'bin/security'));
    expect(searchList()).not.toContain(keychainFor(fresh));
    expect(await stage('again')).toMatchObject({ outcome: 'done' });
    expect(mac.security('show-keychain-info', keychainFor(fresh)).code).toBe(36);
  });
});

describe('what goes wrong with it is told by node, keychain and remedy (S5)', () => {
  const refusal = async (): Promise<string> => {
    try {
      return (await stage()).reason;
    } catch (error) {
      return error instanceof Error ? `${(error as { type?: string }).type ?? ''} ${error.message}` : '';
    }
  };

  it('no sealed copy, no delivery key, another delivery key, no password', async () => {
    await signer();
    const sealed = [...mesh.store.sealed.entries()];
    mesh.store.sealed.clear();
    expect(await refusal()).toMatch(/^IDENTITY_UNAVAILABLE Node ams-build-1 needs the identity \w{8} and has no sealed copy/);
    for (const [name, bytes] of sealed) mesh.store.sealed.set(name, bytes);
    await writeFile(join(mac.home, STATE, 'delivery.key'), `${(await newDeliveryKey()).secret}\n`);
    expect(await refusal()).toMatch(/IDENTITY_UNAVAILABLE The sealed identity \w{8} is sealed to another key than the node's/);
    await writeFile(join(mac.home, STATE, 'keychain.password'), '');
    expect(await refusal()).toMatch(/KEYCHAIN_FAILED .*the file \/usr\/local\/var\/reseal\/state\/keychain.password is empty/);
  });

  it('a keychain of that name with another password: nothing is imported, and the sentence says which', async () => {
    await signer();
    mac.interactive(`create-keychain -p other ${keychainFor(fresh)}`, `lock-keychain ${keychainFor(fresh)}`);
    const told = await refusal();
    expect(told).toBe(
      `KEYCHAIN_FAILED Node ams-build-1, keychain ${keychainFor(fresh)}: cannot unlock it: its password is another one than keychains.password of the line gives.`,
    );
    expect(valid()).not.toContain(fresh.sha1);
  });

  it('without `retry` the first refusal of a keychain is final; with nothing declared the node has failed', async () => {
    await signer({ keychains: { onUnlockFailure: [] } });
    mac.interactive(`create-keychain -p other ${keychainFor(fresh)}`, `lock-keychain ${keychainFor(fresh)}`);
    expect(await stage()).toMatchObject({ outcome: 'failed', reason: expect.stringContaining('cannot unlock it') });
  });

  it.each(['page', 'another-signer'] as const)('with `%s` it is locked, with keychain, cause and remedy, and no password', async (then) => {
    await signer({ keychains: { onUnlockFailure: [then] } });
    mac.interactive(`create-keychain -p other ${keychainFor(fresh)}`, `lock-keychain ${keychainFor(fresh)}`);
    const ended = await stage();
    expect(ended).toMatchObject({
      outcome: 'locked',
      active: mesh.from,
      locked: {
        keychain: keychainFor(fresh),
        why: 'its password is another one than keychains.password of the line gives',
        remedy: expect.stringContaining(`security unlock-keychain ${keychainFor(fresh)}`) as string,
        then,
      },
    });
    expect(JSON.stringify(ended)).not.toContain(PASSWORD);
  });

  it('with `retry` before it, only the last try says so; the node serves what it served', async () => {
    await signer({ keychains: { onUnlockFailure: ['retry', 'page'] } });
    await stage();
    await writeFile(join(mac.home, STATE, 'keychain.password'), 'another one\n');
    mac.security('lock-keychain', keychainFor(fresh));
    const turn = (number: number) =>
      mesh
        .activities({ attempt: () => ({ number, startedAt: null }) })
        .switchNode({ ...mesh.order(1000, 'switch'), target: mesh.to, revertTo: mesh.from });
    await expect(turn(1)).rejects.toMatchObject({ type: 'KEYCHAIN_FAILED', nonRetryable: false });
    expect(await turn(8)).toMatchObject({ outcome: 'locked', active: mesh.from, locked: { keychain: keychainFor(fresh), then: 'page' } });
    await writeFile(join(mac.home, STATE, 'keychain.password'), '');
    const without = await turn(8);
    expect(without).toMatchObject({ outcome: 'locked', locked: { why: expect.stringContaining('is not to be had') as string } });
  });

  it('one that only people open is found locked by the probe: the node goes back, and it is told which', async () => {
    mac.importReady(fresh);
    // Without a password of its own reseal opens nothing.
    await signer({ keychains: { onUnlockFailure: ['retry', 'another-signer', 'page'], password: undefined as never } });
    await stage();
    mac.security('lock-keychain', 'login.keychain-db');
    const ended = await mesh.activities().switchNode({ ...mesh.order(1000, 'switch'), target: mesh.to, revertTo: mesh.from });
    expect(ended).toMatchObject({
      outcome: 'locked',
      active: mesh.from,
      locked: { keychain: 'login.keychain-db', then: 'another-signer' },
    });
    const back = await mesh.activities().switchNode({ ...mesh.order(1001, 'ios-main-1/return/1001'), target: mesh.to, revertTo: null });
    expect(back.outcome).toBe('failed');
  });

  it('a keychain that was locked since is unlocked before the switch, inside the window; outside it stays locked', async () => {
    await signer();
    await stage();
    mac.security('lock-keychain', keychainFor(fresh));
    expect(await switchTo('to')).toMatchObject({ outcome: 'done' });
    expect(mac.security('show-keychain-info', keychainFor(fresh)).code).toBe(0);
  });

  it('outside the unlock window what was imported is locked again', async () => {
    const never = [{ days: ['sat'], from: '00:00', to: '00:01', zone: 'UTC' }];
    await signer({ keychains: { unlockWindows: never } });
    expect(await stage()).toMatchObject({ outcome: 'done' });
    expect(mac.security('show-keychain-info', keychainFor(fresh)).code).toBe(36);
    expect(await switchTo('to')).toMatchObject({ outcome: 'done' });
    expect(mac.security('show-keychain-info', keychainFor(fresh)).code).toBe(36);
  });

  it('a node with keys: forbidden is given none', async () => {
    await signer({ node: { keys: 'forbidden', roles: ['compile'] } });
    await mesh.activities().stageNode({ ...mesh.order(1000, 'stage'), to: mesh.to });
    expect(valid()).not.toContain(fresh.sha1);
  });
});
