import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, chownSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'; // prettier-ignore
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { codeDirectoryDigest, readMachO, SLOTS } from '../../src/mac/code-signature.js';
import { findRcodesign } from '../../src/mac/rcodesign.js';
import { askOwner } from '../../src/node-shell/socket/ask.js';
import { exchange } from '../../src/node-shell/socket/exchange.js';
import { askAliases, askToSign } from '../../src/sidecar/client.js';
import type { DistributionCertificate } from '../../src/simulator/apple-hierarchy.js';
import { built, cleanEnv, RunningReseal } from '../cli/processes.js';
import { until } from '../setup/until.js';
import { PASSWORD, SidecarWorld, TEAM } from './sidecar-world.js';

const needsRcodesign = it.skipIf(findRcodesign() === null);
const isRoot = process.getuid?.() === 0;

let world: SidecarWorld;
let identity: DistributionCertificate;
let alias: string;
beforeEach(async () => {
  world = await SidecarWorld.make();
  identity = await world.issue();
  alias = `ios-main-${identity.sha1.slice(0, 8)}`;
  world.declare({ [alias]: world.keep('main', identity) }, findRcodesign() === null ? { signer: 'stand-in' } : {});
});
afterEach(() => world.dispose());

const aliases = () => askAliases(askOwner, world.socket, 20_000);
const sign = (over: Partial<Parameters<typeof askToSign>[2]> = {}) =>
  askToSign(askOwner, world.socket, { alias, certificate: identity.sha1, by: 'a test', ...world.bring(), ...over }, 60_000);
/** Nothing that nobody waits for is left. */
const nothingLeft = (): void => {
  expect(readdirSync(world.at('run/work'))).toEqual([]);
  expect(readdirSync(world.exchange).filter((name) => name.startsWith('signed-'))).toEqual([]);
};

describe('what it signs', () => {
  needsRcodesign('app and extension, each with its entitlements, so that OpenSSL verifies both up to the root', async () => {
    await world.start();
    const answer = await sign();
    expect(answer).toMatchObject({ certificate: identity.sha1, signature: 'made' });
    if (!('signed' in answer)) throw new Error('it was not signed');
    const app = join(world.exchange, answer.signed);
    for (const [executable, id] of [
      ['Courier', 'com.acme.courier'],
      ['PlugIns/Notify.appex/Notify', 'com.acme.courier.notify'],
    ] as const) {
      const signature = readMachO(readFileSync(join(app, executable)))?.signature;
      if (!signature?.cms) throw new Error(`${executable} has no signature`);
      expect(signature.codeDirectory).toMatchObject({ identifier: id, team: TEAM });
      expect(Buffer.from(signature.blobs.get(SLOTS.entitlements) ?? []).toString()).toContain(`${TEAM}.${id}<`);
      writeFileSync(world.at('cms'), signature.cms);
      writeFileSync(world.at('content'), signature.codeDirectory.bytes);
      writeFileSync(world.at('root.pem'), world.apple.rootPem);
      execFileSync('openssl', ['cms', '-verify', '-binary', '-inform', 'DER', '-in', world.at('cms'), '-content', world.at('content'), '-CAfile', world.at('root.pem'), '-purpose', 'any', '-out', world.at('out')], { stdio: 'ignore' }); // prettier-ignore
      expect(readFileSync(world.at('out'))).toEqual(Buffer.from(signature.codeDirectory.bytes));
      const code = answer.codes.find((one) => one.path === executable);
      expect(code).toEqual({
        path: executable,
        identifier: id,
        cdHash: codeDirectoryDigest(signature.alternates.at(-1) ?? signature.codeDirectory).slice(0, 40),
      });
      execFileSync(findRcodesign() ?? '', ['verify', join(app, executable)], { stdio: 'ignore' });
    }
    expect(world.records()).toEqual(
      answer.codes.map((code) => ({
        at: expect.stringMatching(/^\d{4}-.*Z$/) as string,
        by: 'a test',
        account: process.getuid?.(),
        alias,
        certificate: identity.sha1,
        bundle: 'Courier.app',
        signature: 'made',
        ...code,
      })),
    );
    expect(readdirSync(world.at('run/work'))).toEqual([]);
  });

  it('nothing where it was told to leave stand-ins, and says so', async () => {
    world.declare({ [alias]: world.keep('main', identity) }, { signer: 'stand-in' });
    await world.start({ rcodesign: null });
    const answer = await sign();
    expect(answer).toMatchObject({ signature: 'stand-in' });
    expect(world.records().map((one) => [one['signature'], one['cdHash']])).toEqual([
      ['stand-in', null],
      ['stand-in', null],
    ]);
    expect(await aliases()).toMatchObject({ signer: 'stand-in' });
  });

  it('not without rcodesign, unless it was told so', async () => {
    world.declare({ [alias]: world.keep('main', identity) });
    await expect(world.start({ rcodesign: null })).rejects.toMatchObject({ code: 'TOOL_MISSING' });
    expect(existsSync(world.socket)).toBe(false);
  });

  needsRcodesign(
    'with what is in the file and no other certificate, though rcodesign would: nothing leaves, nothing is recorded',
    async () => {
      // As rcodesign does when it is given the chain first.
      const other = await world.issue();
      const wrong = world.at('rcodesign');
      world.keep('other', other);
      writeFileSync(
        wrong,
        `#!/bin/sh\nfor bundle; do :; done\nexec '${findRcodesign() ?? ''}' sign --config-file /dev/null --timestamp-url none --p12-file '${world.at('keys/other.p12')}' --p12-password-file '${world.at('keys/other.password')}' "$bundle"\n`,
        { mode: 0o755 },
      );
      await world.start({ rcodesign: wrong });
      expect(await sign()).toEqual({
        refused: 'key',
        sentence: expect.stringContaining(
          `was signed with the certificate ${other.sha1.slice(0, 8)}, not with ${identity.sha1.slice(0, 8)}`,
        ) as string,
      });
      expect(existsSync(world.index)).toBe(false);
      nothingLeft();
    },
  );
});

describe('what it refuses', () => {
  it.each<[string, () => Promise<unknown>, string, string]>([
    [
      'an alias that it does not have',
      () => sign({ alias: 'ios-main-00000000' }),
      'key',
      'there is no alias ios-main-00000000; add it to sidecar.yaml',
    ],
    ['another certificate than was asked for', () => sign({ certificate: 'a'.repeat(40) as never }), 'key', 'and aaaaaaaa was asked for'],
    ['a way up', () => sign({ bundle: 'job-1/../../keys/x.app' }), 'request', 'is no path'],
    ['an absolute path', () => sign({ bundle: '/etc/x.app' }), 'request', 'is no path'],
    ['an option for a name', () => sign({ bundle: 'job-1/-x.app' }), 'request', 'is no path'],
    ['the exchange folder itself', () => sign({ bundle: 'x.app' }), 'request', 'is no path'],
    ['what is no bundle', () => sign({ bundle: 'job-1/app.plist' }), 'request', 'is no bundle'],
    ['what is not there', () => sign({ bundle: 'job-2/Courier.app' }), 'request', 'there is no folder "job-2"'],
    ['entitlements of elsewhere', () => sign({ entitlements: { '': '../keys/main.password' } }), 'request', 'is no path'],
    ['entitlements for elsewhere', () => sign({ entitlements: { '../x': 'job-1/app.plist' } }), 'request', 'is no path in a bundle'],
  ])('%s', async (_, ask, refused, said) => {
    await world.start();
    expect(await ask()).toEqual({ refused, sentence: expect.stringContaining(said) as string });
    expect(existsSync(world.index)).toBe(false);
    nothingLeft();
  });

  it('links: to the bundle, in it, and of entitlements, wherever they lead', async () => {
    await world.start();
    world.bring();
    const job = join(world.exchange, 'job-1');
    symlinkSync('Courier.app', join(job, 'Link.app'));
    expect(await sign({ bundle: 'job-1/Link.app' })).toMatchObject({
      refused: 'request',
      sentence: expect.stringContaining('by a link') as string,
    });
    symlinkSync(world.at('keys/main.password'), join(job, 'link.plist'));
    expect(await sign({ entitlements: { '': 'job-1/link.plist' } })).toMatchObject({
      sentence: expect.stringContaining('by a link') as string,
    });
    symlinkSync(world.at('keys'), join(job, 'Courier.app/Resources'));
    expect(await sign()).toMatchObject({ refused: 'request', sentence: expect.stringContaining('neither a file nor a folder') as string });
    nothingLeft();
  });

  it.skipIf(!isRoot)('a file of another account than brought the bundle, whatever its path says (needs root to give it away)', async () => {
    await world.start();
    const { bundle } = world.bring();
    chownSync(join(world.exchange, bundle, 'PkgInfo'), 65_534, 65_534);
    const answer = await askToSign(
      askOwner,
      world.socket,
      { alias, certificate: identity.sha1, by: 'a test', bundle, entitlements: {} },
      20_000,
    );
    expect(answer).toMatchObject({ refused: 'request', sentence: 'PkgInfo is no file of the account that brought the bundle' });
    nothingLeft();
  });

  it('what is no request, or of another protocol', async () => {
    await world.start();
    const say = async (request: string): Promise<unknown> => {
      const answer = await exchange({ socket: world.socket, request, patience: 20_000, most: 10_000, listener: { name: 'it', start: '' } });
      return typeof answer === 'string' ? answer : (JSON.parse(answer.line) as unknown);
    };
    for (const text of ['no json\n', '{"protocol":2,"ask":"aliases"}\n', '{"protocol":1,"ask":"export"}\n', `${'x'.repeat(70_000)}\n`])
      expect(await say(text)).toEqual({ refused: 'request', sentence: 'what came is no request of protocol 1' });
  });

  it('a key whose password is wrong, that others may read or that is gone, by name; the others go on', async () => {
    const [second, third, fourth] = [await world.issue(), await world.issue(), await world.issue()];
    world.declare({
      [alias]: world.keep('main', identity),
      'wrong-password': world.keep('wrong', second, 'another one'),
      'open-file': world.keep('open', third),
      gone: world.keep('gone', fourth),
    }, { signer: 'stand-in' }); // prettier-ignore
    chmodSync(world.at('keys/open.password'), 0o644);
    rmSync(world.at('keys/gone.p12'));
    await world.start();
    const answer = await aliases();
    if ('away' in answer) throw new Error(answer.away);
    const trouble = (name: string): string =>
      answer.aliases.flatMap((one) => (one.alias === name && 'trouble' in one ? [one.trouble] : []))[0] ?? '';
    expect(trouble('wrong-password')).toContain('its password is another one');
    expect(trouble('open-file')).toContain('others may read it (mode 0644)');
    expect(trouble('gone')).toContain('it cannot be opened (ENOENT)');
    expect(JSON.stringify(answer)).not.toContain('another one\\n');
    expect(await sign({ alias: 'wrong-password', certificate: second.sha1 })).toMatchObject({ refused: 'key' });
    expect(await sign()).toMatchObject({ certificate: identity.sha1 });
    // Corrected, it signs without a new start.
    chmodSync(world.at('keys/open.password'), 0o600);
    expect(await sign({ alias: 'open-file', certificate: third.sha1 })).toMatchObject({ certificate: third.sha1 });
  });

  it('a certificate that has expired', async () => {
    const old = await world.issue({ notAfter: new Date(Date.now() - 1000) });
    world.declare({ old: world.keep('old', old) }, { signer: 'stand-in' });
    await world.start();
    expect(await sign({ alias: 'old', certificate: old.sha1 })).toMatchObject({
      refused: 'key',
      sentence: expect.stringContaining('expired') as string,
    });
  });

  it('options of rcodesign that carry a secret, or say what is signed', async () => {
    for (const option of ['--p12-password', '--smartcard-pin', '--remote-shared-secret', '--config-file', '--entitlements-xml-file']) {
      world.declare({ card: { certificate: 'chain.pem', rcodesign: [option, 'hunter2'] } });
      const failed = await world.start().then(() => null, (error: unknown) => error as { code: string; details: readonly string[] }); // prettier-ignore
      expect(failed?.code).toBe('CONFIG_INVALID');
      expect(failed?.details.join()).not.toContain('hunter2');
    }
  });

  it('to sign with a card whose PIN is not in its environment, and gives the PIN to rcodesign nowhere else', async () => {
    writeFileSync(world.at('keys/card.pem'), identity.certificatePem);
    const program = world.at('rcodesign');
    writeFileSync(program, `#!/bin/sh\necho "$@" >'${world.at('argv')}'\n[ "$PIN" = 123456 ] && [ -z "$OTHER" ] || exit 9\necho 'Error: no card' >&2\nexit 1\n`, { mode: 0o755 }); // prettier-ignore
    world.declare({ [alias]: { certificate: 'card.pem', rcodesign: ['--smartcard-slot', '9c', '--smartcard-pin-env', 'PIN'] } });
    const running = await world.start({ rcodesign: program, env: { PATH: process.env['PATH'] } });
    expect(await sign()).toMatchObject({ refused: 'key', sentence: "the sidecar's environment has no PIN, which this key needs" });
    await running.stop();
    await world.start({ rcodesign: program, env: { PATH: process.env['PATH'], PIN: '123456', OTHER: 'x' } });
    expect(await sign()).toMatchObject({ refused: 'now', sentence: 'rcodesign ended with 1: Error: no card' });
    expect(readFileSync(world.at('argv'), 'utf8')).toContain('--smartcard-slot 9c --smartcard-pin-env PIN');
    expect(readFileSync(world.at('argv'), 'utf8')).not.toContain('123456');
  });
});

describe('what it is asked over', () => {
  it('a socket for owner and group alone, in a folder that only its owner writes', async () => {
    await world.start();
    expect(statSync(world.socket).mode & 0o777).toBe(0o660);
    expect(statSync(world.exchange).mode & 0o7777).toBe(0o2770);
    expect(await aliases()).toMatchObject({ aliases: [{ alias, certificate: identity.sha1 }] });
    chmodSync(world.at('run'), 0o770);
    expect(await aliases()).toEqual({
      away: expect.stringContaining(`others than its owner may write the folder ${world.at('run')}`) as string,
    });
    chmodSync(world.at('run'), 0o750);
    chmodSync(world.socket, 0o666);
    expect(await aliases()).toEqual({ away: expect.stringContaining('everybody may use') as string });
  });

  it.skipIf(!isRoot)('not a socket that belongs to others than the folder (needs root to give it away)', async () => {
    await world.start();
    chownSync(world.socket, 65_534, 65_534);
    expect(await aliases()).toEqual({
      away: expect.stringContaining('belongs to user 65534, not to user 0, whose folder it is') as string,
    });
  });

  it('one at a time, and not what is no socket', async () => {
    writeFileSync(world.socket, '');
    await expect(world.start()).rejects.toMatchObject({ code: 'REFUSED' });
    rmSync(world.socket);
    await world.start();
    await expect(world.start()).rejects.toMatchObject({
      code: 'REFUSED',
      message: expect.stringContaining('Another signing sidecar listens') as string,
    });
  });
});

describe('while it runs', () => {
  it('an alias is added without an end of service, and a file that somebody broke changes nothing', async () => {
    await world.start();
    const next = await world.issue();
    world.declare({ [alias]: world.keep('main', identity), next: world.keep('next', next) }, { signer: 'stand-in' });
    expect(await aliases()).toMatchObject({ trouble: null, aliases: [{ alias }, { alias: 'next', certificate: next.sha1 }] });
    writeFileSync(`${world.file}.new`, 'aliases: [');
    renameSync(`${world.file}.new`, world.file);
    expect(await aliases()).toMatchObject({
      trouble: expect.stringContaining('cannot be used') as string,
      aliases: [{ alias }, { alias: 'next' }],
    });
    expect(world.said).toHaveLength(1);
  });

  it('a line of the index that a crash cut short is ended before the next one', async () => {
    await world.start();
    appendFileSync(world.index, '{"at":"2026');
    expect(await sign()).toMatchObject({ certificate: identity.sha1 });
    const [torn, ...whole] = readFileSync(world.index, 'utf8').trimEnd().split('\n');
    expect(torn).toBe('{"at":"2026');
    expect(whole.map((line) => (JSON.parse(line) as { alias: string }).alias)).toEqual([alias, alias]);
  });

  it('nothing is given away that cannot be recorded', async () => {
    await world.start();
    mkdirSync(world.index);
    expect(await sign()).toMatchObject({ refused: 'now', sentence: expect.stringContaining('EISDIR') as string });
    nothingLeft();
  });
});

it('killed in mid-signature: whoever asked is told, the index has no line of it, and the next one signs', async () => {
  const slow = world.at('rcodesign');
  writeFileSync(slow, `#!/bin/sh\ntouch '${world.at('at-work')}'\nexec sleep 60\n`, { mode: 0o755 });
  world.declare({ [alias]: world.keep('main', identity) });
  await built();
  const running = RunningReseal.start(['sidecar', 'run', '--file', world.file], {
    env: cleanEnv(world.folder, { RESEAL_RCODESIGN: slow }),
  });
  await until(() => existsSync(world.socket), { what: 'the sidecar' });
  const asked = sign();
  await until(() => existsSync(world.at('at-work')), { what: 'rcodesign' });
  const argv = execFileSync('ps', ['-eo', 'args'], { encoding: 'utf8' });
  expect(argv).toContain(world.file);
  expect(argv).not.toContain(PASSWORD);
  running.child.kill('SIGKILL');
  await running.ended;
  expect(await asked).toEqual({ away: 'the signing sidecar ended before it answered' });
  expect(existsSync(world.index)).toBe(false);
  expect(running.said).not.toContain(PASSWORD);
  world.declare({ [alias]: world.keep('main', identity) }, findRcodesign() === null ? { signer: 'stand-in' } : {});
  await world.start();
  expect(await sign()).toMatchObject({ certificate: identity.sha1 });
  expect(readFileSync(world.index, 'utf8')).not.toContain(PASSWORD);
});
