import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findRcodesign } from '../../src/mac/rcodesign.js';
import { HOST, TriageWorld } from './world.js';

let world: TriageWorld;
let app: string;
beforeAll(async () => {
  world = await TriageWorld.make();
  if (findRcodesign() !== null) app = world.app();
});
afterAll(() => world.dispose());

const info = `<plist version="1.0"><dict><key>CFBundleIdentifier</key><string>${HOST}</string></dict></plist>`;
const INFO = 'Payload/Courier.app/Info.plist';
const PROFILE = 'Payload/Courier.app/embedded.mobileprovision';

/** Replaces a name in a ZIP archive by one of the same length, in both places. */
function renamed(path: string, from: string, to: string): void {
  const bytes = readFileSync(path).toString('latin1');
  expect(from).toHaveLength(to.length);
  writeFileSync(path, bytes.replaceAll(from, to), 'latin1');
}

describe('artifacts that are none, or are made to harm: exit 2, saying what was found', () => {
  const refused = async (path: string, ...texts: readonly string[]): Promise<void> => {
    const { exit, err, out } = await world.triage(['--app', path]);
    expect([exit, out]).toEqual([2, '']);
    for (const text of texts) expect(err).toContain(text);
  };

  it('a path with nothing there, an empty file, a log-in page, a folder of another kind', async () => {
    await refused('nowhere.ipa', 'nowhere.ipa cannot be read: there is no such file or folder');
    await refused(world.write('empty.ipa', ''), 'it is empty');
    await refused(world.write('login.ipa', '<!DOCTYPE html><html>'), 'it is an HTML page', 'sign in and fetch it again');
    await refused(world.write('text.ipa', 'hello'), 'it is no ZIP archive', 'Give an .ipa, .xcarchive, .app or .appex.');
    mkdirSync(world.at('folder'));
    await refused('folder', 'it is a folder that is no .xcarchive, .app or .appex');
  });

  it('a ZIP archive that is cut short', async () => {
    const path = await world.zip((zip) => zip.addBuffer(Buffer.from(info), INFO), 'cut.ipa');
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.subarray(0, bytes.length - 40));
    await refused(path, 'it is no whole ZIP archive');
  });

  it('a ZIP archive without an app, and one with two', async () => {
    await refused(await world.zip((zip) => zip.addBuffer(Buffer.from(info), 'Other/Info.plist'), 'none.ipa'), 'it holds no app in Payload');
    const two = await world.zip((zip) => {
      zip.addBuffer(Buffer.from(info), INFO);
      zip.addBuffer(Buffer.from(info), 'Payload/Other.app/Info.plist');
    }, 'two.ipa');
    await refused(two, 'it holds 2 apps in Payload');
  });

  it('a bomb: what a profile would unpack to is more than any profile has, whatever its name', async () => {
    const bomb = await world.zip((zip) => {
      zip.addBuffer(Buffer.from(info), INFO);
      zip.addBuffer(Buffer.alloc(64 * 1024 * 1024), PROFILE);
    }, 'bomb.ipa');
    await refused(bomb, `${PROFILE} unpacks to 67108864 bytes`);
    const code = await world.zip((zip) => {
      zip.addBuffer(Buffer.from(info), INFO);
      zip.addBuffer(Buffer.alloc(64 * 1024 * 1024), 'Payload/Courier.app/Courier');
    }, 'code.ipa');
    await refused(code, 'Payload/Courier.app/Courier unpacks from', 'which no app does');
  });

  it('a bomb that lies about its size', async () => {
    const path = await world.zip((zip) => {
      zip.addBuffer(Buffer.from(info), INFO);
      zip.addBuffer(Buffer.alloc(8 * 1024 * 1024), PROFILE);
    }, 'lies.ipa');
    const bytes = readFileSync(path);
    const at = bytes.lastIndexOf('PK\x01\x02', bytes.lastIndexOf(PROFILE), 'latin1');
    bytes.writeUInt32LE(1000, at + 24);
    writeFileSync(path, bytes);
    await refused(path, `${PROFILE} does not unpack`);
  });

  it('names that lead out of the archive, absolute ones, and one name twice', async () => {
    const make = (name: string): Promise<string> =>
      world.zip((zip) => {
        zip.addBuffer(Buffer.from(info), INFO);
        zip.addBuffer(Buffer.from('x'), 'Payload/aaaaaaaaaaaaaa');
      }, name);
    const out = await make('out.ipa');
    renamed(out, 'Payload/aaaaaaaaaaaaaa', '../../../../etc/passwd');
    await refused(out, 'its list of files cannot be trusted (invalid relative path: ../../../../etc/passwd)');
    const absolute = await make('absolute.ipa');
    renamed(absolute, 'Payload/aaaaaaaaaaaaaa', '/etc/cron.d/aaaaaaaaaa');
    await refused(absolute, 'its list of files cannot be trusted (absolute path: /etc/cron.d/aaaaaaaaaa)');
    const twice = await world.zip((zip) => {
      zip.addBuffer(Buffer.from(info), INFO);
      zip.addBuffer(Buffer.from(info), INFO.replace('.plist', '.plisu'));
    }, 'twice.ipa');
    renamed(twice, INFO.replace('.plist', '.plisu'), INFO);
    await refused(twice, `it holds ${INFO} twice`);
  });

  it('links in place of files, packed or not', async () => {
    const packed = await world.zip((zip) => {
      zip.addBuffer(Buffer.from(info), INFO);
      zip.addBuffer(Buffer.from('/etc/passwd'), PROFILE, { mode: 0o120777 });
    }, 'link.ipa');
    await refused(packed, `${PROFILE} is a symbolic link`);
    mkdirSync(world.at('Link.app'));
    world.write('Link.app/Info.plist', info);
    symlinkSync('/etc/passwd', world.at('Link.app/embedded.mobileprovision'));
    await refused('Link.app', 'Link.app/embedded.mobileprovision is a symbolic link');
  });

  it('an executable whose name leads out of the bundle, and one that says it has more than it has, are findings', async () => {
    world.write('Out.app/Info.plist', info.replace('</dict>', '<key>CFBundleExecutable</key><string>../../x</string></dict>'));
    expect(await world.found('--app', 'Out.app')).toEqual(['fail profile-missing Out.app', 'fail signature-unreadable Out.app']);
    const liar = Buffer.alloc(64);
    liar.writeUInt32LE(0xfeedfacf, 0);
    liar.writeUInt32LE(0xffffffff, 16);
    liar.writeUInt32LE(0xfffffff0, 20);
    world.write('Liar.app/Info.plist', info);
    world.write('Liar.app/Liar', liar);
    expect(await world.found('--app', 'Liar.app')).toEqual(['fail profile-missing Liar.app', 'fail signature-unreadable Liar.app']);
  });

  it('nothing to look at, or one node alone: usage', async () => {
    expect(await world.triage([])).toMatchObject({ exit: 2, err: expect.stringContaining('Nothing to look at: give --app') });
    expect(await world.triage(['--node', 'a'])).toMatchObject({ exit: 2, err: expect.stringContaining('give both, or neither') });
  });
});

describe.skipIf(findRcodesign() === null)('an .ipa', () => {
  it('is read as the app in it', async () => {
    const ipa = await world.ipa(app);
    const view = await world.view('--app', ipa);
    expect(view.verdict).toBe('ok');
    expect(view.artifact).toMatchObject({
      kind: 'ipa',
      bundles: [
        { path: 'Courier.app', role: 'host', bundleId: HOST, signature: { state: 'signed', source: 'read', signer: world.identity.sha1 } },
        { path: 'Courier.app/PlugIns/Share.appex', role: 'extension' },
      ],
    });
  });
});
