import { rmSync } from 'node:fs';
import { chmod, mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { NodeReport } from '../../src/domain/node/report.js';
import { openAppleHierarchy } from '../../src/simulator/apple-hierarchy.js';
import { flagsOfMount, sleepMinutes } from '../../src/mac/host-settings.js';
import { profilesInIpa } from '../../src/artifact/embedded-profiles.js';
import { zipFolder } from '../../src/simulator/mac/tool/zip.js';
import { request } from '../profile/support.js';
import { mountVolume } from '../../src/simulator/mesh/volume.js';
import { LEGACY, MOUNT, tree, world, XCODE16, type World } from './mesh.js';

let mesh: World;
afterEach(() => mesh.remove());
async function node(options: Parameters<typeof world>[0] = {}): Promise<void> {
  mesh = await world(options);
  await mesh.settled();
}
const inspect = (): Promise<NodeReport> => mesh.activities().inspectNode({ ...mesh.order(), manifest: mesh.from });
const problems = async (): Promise<readonly string[]> =>
  (await inspect()).problems.map((one) => `${one.check} ${one.verdict}: ${one.reason}`);
const home = (...names: string[]): string => join(mesh.home, ...names);
async function file(path: string, text = 'x'): Promise<void> {
  await mkdir(join(path, '..'), { recursive: true });
  await writeFile(path, text);
}

describe('key files on a host that may hold no keys (T1)', () => {
  it.each(['key.p12', 'Downloads/Apple Distribution.P12', 'Desktop/AuthKey_X.p8', 'Documents/a.pfx', 'usr/local/var/reseal/state/k.p12'])(
    '%s is found, its name is not told',
    async (name) => {
      await node();
      await file(home(name));
      const [first] = await problems();
      expect(first).toMatch(
        /^key-files fail: Node ams-build-1: \S+ has 1 key file \(\.p12, \.pfx, \.p8\), and it may hold no keys; delete them there\.$/,
      );
      expect(first).not.toContain(name.split('/').at(-1));
    },
  );

  it('a host that may hold keys, and other files, are no finding', async () => {
    await node();
    await file(home('Downloads/notes.p12.txt'));
    expect(await problems()).toEqual([]);
    await mesh.remove();
    await node({ node: { keys: 'allowed' } });
    await file(home('Downloads/a.p12'));
    expect(await problems()).toEqual([]);
  });
});

describe('the golden image', () => {
  beforeEach(() => node());
  it('says what topology.yaml declares', async () => {
    await file(home('etc/reseal-image-id'), 'tahoe-26.1-b4\n');
    expect(await problems()).toEqual([]);
  });
  it('another one fails; none is not due', async () => {
    expect(await problems()).toEqual([]);
    await file(home('etc/reseal-image-id'), 'sonoma-14\n');
    expect(await problems()).toEqual([
      'image fail: Node ams-build-1: its image is "sonoma-14", declared is tahoe-26.1-b4; correct topology.yaml, or image it again.',
    ]);
  });
  it('a folder in its place fails', async () => {
    await mkdir(home('etc/reseal-image-id'), { recursive: true });
    expect(await problems()).toEqual([expect.stringContaining('is a folder, expected a file with its IMAGE_ID')]);
  });
});

describe('the folders that Xcode reads', () => {
  it('a folder that is a link elsewhere fails, though its files are right', async () => {
    await node();
    await rename(home(LEGACY), home('elsewhere'));
    await symlink(home('elsewhere'), home(LEGACY));
    expect(await problems()).toEqual([
      expect.stringContaining(`profile-folders fail: Node ams-build-1: ~/${LEGACY} is a link to another place`),
    ]);
  });

  it('5,000 stale profiles are counted, of which twenty are read, and nothing fails', async () => {
    await node();
    for (let index = 0; index < 5_000; index += 1) await writeFile(home(XCODE16, `stale-${index}.mobileprovision`), 'x');
    const report = await inspect();
    expect(report.verdict).toBe('pass');
    expect(report.findings).toEqual([expect.stringMatching(/^5000 profile files that no accepted manifest names: /)]);
  });

  it('a home with spaces and letters beyond ASCII is one like any other', async () => {
    await node();
    const { home: plain } = mesh;
    const odd = join(plain, '../reseal Büro 東京 ', plain.split('/').at(-1) ?? '');
    await mesh.remove();
    onTestFinished(() => rmSync(dirname(odd), { recursive: true, force: true }));
    await node({ home: odd });
    expect((await inspect()).verdict).toBe('pass');
  });

  it('two profiles of one name are a finding, and a failure where names are allowed as specifiers', async () => {
    for (const specifiers of ['uuid-only', 'warn'] as const) {
      await node({ policy: { specifiers } });
      const apple = await openAppleHierarchy(home('apple'));
      const certificate = await apple.issueCertificate({ commonName: 'Apple Distribution: X', team: '9QK4T7XW2B', notAfter: new Date('2099-01-01T00:00:00Z') }); // prettier-ignore
      const { name } = mesh.manifests.from.profiles[0]!.profile;
      const twin = apple.makeProfile(request({ certificates: [certificate], name }));
      await writeFile(home(XCODE16, 'twin.mobileprovision'), twin);
      const report = await inspect();
      const sentence = `2 profiles are named ${JSON.stringify(name)}; name profiles by UUID in builds, or remove the old ones`;
      if (specifiers === 'warn') {
        expect(report.problems).toMatchObject([{ check: 'profile-names', verdict: 'fail', reason: `Node ams-build-1: ${sentence}.` }]);
        continue;
      }
      expect(report.verdict).toBe('pass');
      expect(report.findings).toContain(sentence);
      await mesh.remove();
    }
  });
});

/** A program of the node's own. */
async function program(name: string, body: string): Promise<void> {
  await file(home('bin', name), `#!/bin/sh\n${body}\n`);
  await chmod(home('bin', name), 0o755);
}

describe('signers do not sleep', () => {
  beforeEach(() => node({ node: { roles: ['signer'], environment: 'production' } }));
  const power = async (): Promise<string | undefined> => (await problems()).find((one) => one.startsWith('power'));

  it('one that never sleeps passes, also where something keeps it awake', async () => {
    await program('pmset', "printf ' sleep                0 (sleep prevented by sharingd)\\n displaysleep 10\\n'");
    expect(await power()).toBeUndefined();
  });
  it('one that sleeps fails with its remedy', async () => {
    await program('pmset', "printf ' disksleep            10\\n sleep                15\\n'");
    expect(await power()).toBe('power fail: Node ams-build-1: it sleeps after 15 minutes, which locks keychains and stops builds; set `pmset -a sleep 0` on it.'); // prettier-ignore
  });
  it('one that installs updates of macOS by itself fails, and is told how to stop it; where nobody has set it, it is not due', async () => {
    const updates = async (): Promise<string | undefined> => (await problems()).find((one) => one.startsWith('updates'));
    await program('defaults', 'echo 1');
    expect(await updates()).toMatch(
      /^updates fail: Node ams-build-1: it installs updates of macOS by itself.*AutomaticallyInstallMacOSUpdates -bool false` on it\.$/,
    );
    await program('defaults', 'echo 0');
    expect(await updates()).toBeUndefined();
    await program('defaults', 'echo "The domain/default pair of ($2, $3) does not exist" >&2; exit 1');
    expect(await updates()).toBeUndefined();
    await program('defaults', 'echo maybe');
    expect(await updates()).toContain('updates inconclusive');
  });

  it('no pmset, and another answer, are inconclusive', async () => {
    expect(await power()).toBe('power inconclusive: Node ams-build-1: it has no `pmset`.');
    await program('pmset', 'echo hello');
    expect(await power()).toContain('answered something else than macOS does');
  });
});

describe('controlled distribution', () => {
  const mounted = async (): Promise<string | undefined> => (await problems()).find((one) => one.startsWith('mount'));
  const volume = (): string => join(mesh.publisher, MOUNT);
  beforeEach(() => node({ volume: {}, node: { environment: 'production' } }));

  it('one that is read-only and refuses a write passes', async () => {
    expect(await mounted()).toBeUndefined();
  });
  it('a mount that takes a file fails, and keeps nothing of it', async () => {
    await mountVolume({ home: mesh.home, volume: volume(), mount: MOUNT, flags: 'nfs, nodev, nosuid' });
    const before = await tree(mesh.publisher);
    expect(await mounted()).toBe(
      `mount fail: Node ams-build-1: the volume of ${MOUNT} is not mounted read-only; mount it with \`-o rdonly\` (and 1 more).`,
    );
    await program('mount', `printf '//srv/x on %s (smbfs, read-only)\\n' '${home(MOUNT)}'`);
    expect(await mounted()).toContain('takes a file that is written there');
    // Whatever `mount` says, or does not say.
    await program('mount', 'exit 1');
    expect(await mounted()).toContain('mount fail: Node ams-build-1: /usr/local/var/reseal/mount takes a file that is written there');
    expect(await tree(mesh.publisher)).toEqual(before);
  });
  it('no volume there is a failure; no answer of `mount` is inconclusive', async () => {
    await program('mount', "printf '/dev/disk1 on / (apfs, local)\\n'");
    expect(await mounted()).toContain('is on no mounted volume');
    await program('mount', 'exit 1');
    expect(await mounted()).toContain('mount inconclusive');
  });
});

describe('what programs print', () => {
  beforeEach(() => node());
  it('flags are those of the innermost volume; names with spaces and a longer neighbour count right', () => {
    const text = '/dev/d1 on / (apfs, local)\n/dev/d2 on /Volumes/A b (apfs, local)\n/dev/d3 on /Volumes/A b/c (apfs, read-only)\n';
    expect(flagsOfMount(text, '/Volumes/A b/c/x')).toEqual(['apfs', 'read-only']);
    expect(flagsOfMount(text, '/Volumes/A b/cc')).toEqual(['apfs', 'local']);
    expect(flagsOfMount(text, '/elsewhere')).toBeNull();
    expect(sleepMinutes(' displaysleep 5\n')).toBeNull();
  });
  it('profiles in an .ipa, and bytes that are none', async () => {
    await file(home('z/Payload/A.app/embedded.mobileprovision'), 'profile');
    const found = await profilesInIpa(zipFolder(home('z'), 'Payload'));
    expect([...(found ?? [])].map(([name, bytes]) => `${name} ${Buffer.from(bytes).toString()}`)).toEqual([
      'Payload/A.app/embedded.mobileprovision profile',
    ]);
    expect(await profilesInIpa(Buffer.from('PK nothing'))).toBeNull();
    expect(await profilesInIpa(zipFolder(home('z'), 'Payload').subarray(20))).toBeNull();
    // What unpacks to more than any profile is no profile, and not unpacked.
    await file(home('z/Payload/A.app/embedded.mobileprovision'), ' '.repeat(2_000_000));
    expect(await profilesInIpa(zipFolder(home('z'), 'Payload'))).toBeNull();
  });
});
