import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { spawnSync } from 'node:child_process';
import { sha1Of, sha256Of } from '../../src/manifest/digest.js';
import type { DistributionCertificate } from '../../src/simulator/apple-hierarchy.js';
import { nodeExpected } from '../../src/presenters/node-expected.js';
import { declaration, LINE, NODE, XCODE16 } from '../node/mesh.js';
import { simulatedMac, type Mac } from '../simulator/mac/support.js';
import { GATE, GatedNode, REGION, type Answer } from './gated-node.js';

let mac: Mac;
let old: DistributionCertificate;
let fresh: DistributionCertificate;
let node: GatedNode;

beforeAll(async () => {
  mac = await simulatedMac();
  old = await mac.issue();
  fresh = await mac.issue();
  mac.importReady(old);
  node = await GatedNode.settled(mac, old, fresh);
});
afterAll(() => mac.dispose());
beforeEach(() => node.reset());

/** A folder whose `security` is this shell script. */
function securityThat(script: string): string {
  const folder = join(node.workspace, 'other-bin');
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'security'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
  return `${folder}:${process.env['PATH'] ?? ''}`;
}
const checks = ({ log }: Answer): readonly string[] => log.reasons.map((one) => one.check);

describe('the gate on a node that is as it should be (S2, S7)', () => {
  it('passes by the command line of the runbook as it is written', async () => {
    mkdirSync(join(node.workspace, 'scripts'), { recursive: true });
    copyFileSync(GATE, join(node.workspace, 'scripts/assert-signing-context.mjs'));
    copyFileSync(node.pointer, join(node.workspace, 'profiles.json'));
    const answer = await node.shell(
      `node scripts/assert-signing-context.mjs --expect-manifest "$(shasum profiles.json | awk '{print $1}')" --expect-signing "$(security find-identity -v -p codesigning | shasum | awk '{print $1}')" --region "$RUNNER_REGION"`,
      { RUNNER_REGION: REGION },
    );
    rmSync(join(node.workspace, 'profiles.json'));
    expect([answer.exit, answer.log.reasons]).toEqual([0, []]);
    expect(answer.log).toMatchObject({ verdict: 'pass', manifest: node.mesh.from, active: node.mesh.from, parallel: false, profiles: 8 });
  });

  it('takes SHA-1 and SHA-256 of both, and of identities also the summary that does not depend on their order', async () => {
    const report = await node.inspect();
    const frozen = readFileSync(node.pointer);
    const output = Buffer.from(mac.security('find-identity', '-v', '-p', 'codesigning').stdout);
    for (const manifest of [sha1Of(frozen), sha256Of(frozen).toUpperCase()])
      for (const signing of [sha1Of(output), sha256Of(output), report.identities?.sorted ?? ''])
        expect((await node.gate(node.expecting({ manifest, signing }))).log.reasons).toEqual([]);
  });

  it('says the digests that `reseal node inspect` and `reseal node expected` say of the same node', async () => {
    const { log } = await node.asExpected();
    const report = await node.inspect();
    expect(log.identities).toEqual(report.identities);
    expect(log.active).toBe(report.active);
    const declared = declaration(mac.home, { keys: 'allowed', roles: ['signer'] });
    const line = { identity: 'signers', distribution: 'copy', profilesOn: ['signer'], store: 'main', sources: [], successorOwner: 'alice' } as never; // prettier-ignore
    const head = { head: { line: LINE, seq: 1, digest: node.mesh.from }, manifest: node.mesh.manifests.from };
    const expected = nodeExpected(declared, { [LINE]: line }, { [LINE]: head });
    expect(expected.signing).toBe(report.identities?.sorted);
    const [own] = expected.lines;
    for (const manifest of [own?.manifest ?? '', own?.manifestSha1 ?? ''])
      expect((await node.gate(node.expecting({ manifest, signing: expected.signing }))).exit).toBe(0);
  });

  it('prints one line for the log index without hashes or names of identities, whatever is wrong (S8)', async () => {
    const right = await node.asExpected(['--format', 'json']);
    expect(right.stderr).toBe('');
    expect(right.log).toMatchObject({ node: NODE, region: REGION, image: 'tahoe-26.1-b4' });
    const wrong = await node.gate(node.expecting({ manifest: 'a'.repeat(64), signing: 'b'.repeat(40), region: 'us-east' }));
    expect(checks(wrong)).toEqual(['manifest', 'region', 'signing']);
    for (const { stdout, stderr } of [right, wrong]) {
      for (const { sha1, commonName } of [old, fresh]) {
        expect((stdout + stderr).toLowerCase()).not.toContain(sha1);
        expect(stdout + stderr).not.toContain(commonName);
      }
    }
  });

  it('on a node without identities takes what `reseal node expected` says, and what is printed there', async () => {
    const PATH = securityThat('echo "     0 valid identities found"');
    const declared = declaration(mac.home);
    const line = { identity: 'signers', distribution: 'copy', profilesOn: ['compile'], store: 'main', sources: [], successorOwner: 'alice' } as never; // prettier-ignore
    const head = { head: { line: LINE, seq: 1, digest: node.mesh.from }, manifest: node.mesh.manifests.from };
    const { signing } = nodeExpected(declared, { [LINE]: line }, { [LINE]: head });
    expect((await node.gate(node.expecting({ signing }), { PATH })).exit).toBe(0);
    expect((await node.gate(node.expecting({ signing }))).exit).toBe(1);
  });
});

describe('the gate tells what is wrong: which, expected, found, next (exit 1)', () => {
  it('the manifest', async () => {
    const answer = await node.gate(node.expecting({ manifest: node.mesh.to }));
    expect(answer.exit).toBe(1);
    expect(answer.log.reasons).toMatchObject([{ check: 'manifest', expected: node.mesh.to, found: node.mesh.from }]);
    for (const text of ['signing gate: fail', `expected ${node.mesh.to}`, `found    ${node.mesh.from}`, 'next     '])
      expect(answer.stderr).toContain(text);
  });

  it('each profile file that the manifest names, in each folder that Xcode reads', async () => {
    const [first, second, third] = node.mesh.manifests.from.profiles.map(({ profile }) => join(mac.home, XCODE16, profile.fileName));
    writeFileSync(first!, 'something else');
    rmSync(second!);
    renameSync(third!, `${third!}.away`);
    symlinkSync(`${third!}.away`, third!);
    const answer = await node.asExpected();
    expect(answer.exit).toBe(1);
    expect(answer.log.reasons.map((one) => one.found)).toEqual([sha256Of(Buffer.from('something else')), 'nothing', 'a symbolic link']);
    expect(answer.log.reasons.every((one) => one.message.includes(XCODE16))).toBe(true);
    expect((await node.asExpected(['--folders', 'legacy'])).exit).toBe(0);
  });

  it('the region, by what reseal has rendered on the node and not by what the job says of it', async () => {
    for (const env of [{}, { RUNNER_REGION: 'us-east', RESEAL_REGION: 'us-east' }])
      expect((await node.gate(node.expecting({ region: 'us-east' }), env)).log.reasons).toMatchObject([
        { check: 'region', expected: 'us-east', found: REGION },
      ]);
  });

  it('a manifest that is active and not accepted: somebody else has put it there', async () => {
    writeFileSync(join(node.state, 'accepted.json'), JSON.stringify({ [LINE]: [node.mesh.to] }));
    expect(checks(await node.asExpected())).toEqual(['accepted']);
  });

  it('a `security` that hangs, is away, is no program, fails, or prints something else', async () => {
    const found = async (PATH: string, ...more: string[]): Promise<Answer['log']['reasons'][number] | undefined> => {
      const answer = await node.gate([...node.expecting(), ...more], { PATH });
      expect(answer.exit).toBe(1);
      expect(checks(answer)).toEqual(['signing']);
      return answer.log.reasons[0];
    };
    const began = Date.now();
    expect((await found(securityThat('sleep 60 & sleep 60'), '--timeout', '1'))?.found).toBe('it did not end within 1 s');
    expect(Date.now() - began).toBeLessThan(20_000);
    expect((await found(securityThat('exit 36')))?.found).toBe('it ended with 36');
    expect((await found(securityThat('echo hello')))?.message).toContain('something else than macOS does');
    expect((await found(securityThat('yes')))?.found).toContain('more than 1048576 bytes');
    const path = securityThat('exit 0');
    chmodSync(join(node.workspace, 'other-bin/security'), 0o644);
    expect((await found(join(node.workspace, 'other-bin')))?.found).toBe('it cannot be run (EACCES)');
    rmSync(join(node.workspace, 'other-bin/security'));
    expect((await found(path.split(':')[0]!))?.found).toBe('there is no such program');
  });

  it('an identity that is listed and unusable does not count', async () => {
    const [row = ''] = mac.security('find-identity', '-v', '-p', 'codesigning').stdout.split('\n');
    const PATH = securityThat(`printf '%s\\n%s\\n' '${row} (CSSMERR_TP_CERT_REVOKED)' '     1 valid identities found'`);
    const { sorted = '' } = (await node.inspect()).identities ?? {};
    const answer = await node.gate(node.expecting({ signing: sorted }), { PATH });
    expect(checks(answer)).toEqual(['signing']);
    expect(answer.log.identities?.usable).toBe(0);
  });

  it('takes the rows of a `security` that speaks another language', async () => {
    const [row = ''] = mac.security('find-identity', '-v', '-p', 'codesigning').stdout.split('\n');
    const PATH = securityThat(`printf '%s\\n%s\\n' '${row}' '     1 gültige Identitäten gefunden'`);
    const { sorted = '' } = (await node.inspect()).identities ?? {};
    expect((await node.gate(node.expecting({ signing: sorted }), { PATH, LC_ALL: 'de_DE.UTF-8' })).exit).toBe(0);
  });
});

describe('the gate cannot be asked (exit 2)', () => {
  it.each([
    ['no arguments', [], '--expect-manifest is missing'],
    ['an empty digest', ['--expect-manifest', '', '--expect-signing', 'a'.repeat(40), '--region', 'r'], 'printed nothing'],
    ['no digest', ['--expect-manifest', 'abc', '--expect-signing', 'a'.repeat(40), '--region', 'r'], 'is no digest'],
    ['the digest of nothing', ['--expect-manifest', 'a'.repeat(40), '--expect-signing', sha1Of(Buffer.alloc(0)), '--region', 'r'], 'digest of nothing'], // prettier-ignore
    ['an empty region', ['--expect-manifest', 'a'.repeat(40), '--expect-signing', 'a'.repeat(40), '--region', ''], '--region is missing'],
    ['an argument that is not known', ['--expect'], 'not known'],
    ['an option without its value', ['--region'], '--region has no value'],
    ['an option twice', ['--region', 'a', '--region=b'], 'given twice'],
    ['a format', ['--format', 'xml'], '--format'],
    ['a job without a name', ['--unpin', ' '], 'no such name'],
    ['a line that is a path', ['--line', '../..', '--unpin', 'x'], 'no name'],
  ])('%s', async (_, args, message) => {
    const answer = await node.gate(args);
    expect(answer.exit).toBe(2);
    expect(answer.log).toMatchObject({ verdict: 'error', reasons: [{ check: 'arguments' }] });
    expect(answer.log.reasons[0]?.message).toContain(message);
  });

  it('profiles.json is missing, a folder, a link, a pipe, huge, no JSON, no manifest, or one with a path in it', async () => {
    const frozen = readFileSync(node.pointer, 'utf8');
    const put = async (make: () => void): Promise<string> => {
      rmSync(node.pointer, { recursive: true, force: true });
      make();
      const answer = await node.gate(node.expecting());
      expect([answer.exit, checks(answer)]).toEqual([2, ['manifest']]);
      return `${answer.log.reasons[0]?.message ?? ''}; expected ${answer.log.reasons[0]?.expected ?? ''}; found ${answer.log.reasons[0]?.found ?? ''}`;
    };
    expect(await put(() => undefined)).toContain('no active manifest');
    expect(await put(() => mkdirSync(node.pointer))).toContain('found a folder');
    expect(await put(() => symlinkSync(`../${LINE}/manifests/${node.mesh.from}.json`, node.pointer))).toContain('found a symbolic link');
    expect(await put(() => spawnSync('mkfifo', [node.pointer]))).toContain('found neither file nor folder');
    expect(
      await put(() => {
        writeFileSync(node.pointer, '');
        truncateSync(node.pointer, 2 ** 36);
      }),
    ).toContain('found a file of 68719476736 bytes');
    expect(await put(() => writeFileSync(node.pointer, frozen.slice(0, 200)))).toContain('is not JSON');
    expect(await put(() => writeFileSync(node.pointer, Buffer.from([0x22, 0xff, 0x22])))).toContain('is not JSON');
    expect(await put(() => writeFileSync(node.pointer, '['.repeat(1_000_000)))).toContain('is not JSON');
    expect(await put(() => writeFileSync(node.pointer, '{"schemaVersion":2}'))).toContain('expected schemaVersion: 1');
    const { profile } = node.mesh.manifests.from.profiles[0]!;
    expect(await put(() => writeFileSync(node.pointer, frozen.replace(profile.fileName, '../../x.mobileprovision')))).toContain('fileName');
  });

  it('a mount of several lines without --line; with it, it passes', async () => {
    mkdirSync(join(node.mount, 'tv-main'));
    copyFileSync(node.pointer, join(node.mount, 'tv-main/profiles.json'));
    const answer = await node.asExpected();
    expect(answer.exit).toBe(2);
    expect(answer.log.reasons[0]?.found).toBe('ios-main, tv-main');
    expect((await node.asExpected(['--line', LINE])).exit).toBe(0);
    // Named and of another line.
    expect((await node.asExpected(['--line', 'tv-main'])).exit).toBe(2);
    expect((await node.asExpected([], { RESEAL_PROFILES: node.pointer })).exit).toBe(0);
  });

  it('the node does not say its region: the job cannot say it for the node, and the region is told as not checked', async () => {
    rmSync(join(node.state, 'node.json'));
    const args = node.expecting();
    const silent = await node.gate([...args, '--pin', 'courier #7'], { RUNNER_REGION: REGION, RESEAL_REGION: REGION });
    expect([silent.exit, silent.log]).toMatchObject([2, { verdict: 'inconclusive', region: null, reasons: [{ check: 'region' }] }]);
    expect(silent.stderr).toContain('not checked: the node does not say its region');
    expect(existsSync(join(node.state, 'pins'))).toBe(false);
    // What is known to be wrong is not made less certain by it.
    const wrong = await node.gate(node.expecting({ manifest: node.mesh.to }));
    expect([wrong.exit, wrong.log.verdict, checks(wrong)]).toEqual([1, 'fail', ['manifest', 'region']]);
  });

  it('profiles.json of the working folder is no manifest of a node', async () => {
    copyFileSync(node.pointer, join(node.workspace, 'profiles.json'));
    const args = node.expecting();
    rmSync(node.mount, { recursive: true });
    for (const env of [{}, { RESEAL_MOUNT: '' }]) {
      const answer = await node.gate(args, env);
      expect([answer.exit, checks(answer)]).toEqual([2, ['manifest']]);
    }
    expect((await node.gate([...args, '--manifest', 'profiles.json'])).exit).toBe(0);
    rmSync(join(node.workspace, 'profiles.json'));
  });

  it.each([
    ['no JSON', '{'],
    ['of another version', '{"schemaVersion":2,"node":"a","region":"b","longestBuildSeconds":1}'],
    ['without a region', '{"schemaVersion":1,"node":"a","longestBuildSeconds":1}'],
    ['without a time', '{"schemaVersion":1,"node":"a","region":"b","longestBuildSeconds":"4h"}'],
    ['nothing', 'null'],
  ])('node.json is %s', async (_, text) => {
    writeFileSync(join(node.state, 'node.json'), text);
    const answer = await node.asExpected();
    expect([answer.exit, checks(answer)]).toEqual([2, ['node']]);
  });

  it('accepted.json is no JSON', async () => {
    writeFileSync(join(node.state, 'accepted.json'), '{');
    expect((await node.asExpected()).exit).toBe(2);
  });
});

describe('where the manifest is', () => {
  it('on a published volume it is the pointer that RESEAL_PROFILES names, or the one of the node below the mount', async () => {
    const own = join(node.mount, LINE, 'nodes', NODE);
    mkdirSync(own, { recursive: true });
    renameSync(node.pointer, join(own, 'profiles.json'));
    expect((await node.asExpected()).exit).toBe(0);
    const named = await node.asExpected([], { RESEAL_PROFILES: join(own, 'profiles.json'), RESEAL_NODE: '' });
    expect([named.exit, named.log.node]).toEqual([0, NODE]);
  });

  it('a job that names another manifest than the node has sees what the node has', async () => {
    const copy = join(node.workspace, 'mine.json');
    writeFileSync(copy, readFileSync(node.pointer));
    expect((await node.asExpected(['--manifest', copy])).exit).toBe(0);
    expect((await node.asExpected(['--manifest', 'nowhere.json'])).exit).toBe(2);
  });
});
