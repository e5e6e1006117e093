import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDropSource } from '../../activities/profile-source/drop.js';
import { APPLE_ROOTS, VerifiedProfiles } from '../../src/profile/index.js';
import { appleProfile, appleProfilePath, flipped } from './support.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-drop-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const list = () =>
  createDropSource({ name: 'drop', folder, profiles: new VerifiedProfiles({ roots: APPLE_ROOTS }), holders: ['ams-sign-1'] }).list();

function put(path: string, content: Uint8Array | string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), content);
}

describe('the drop folder (S16)', () => {
  it('takes holder and variant from the folders, and keeps the bytes', async () => {
    put('a.mobileprovision', appleProfile('a0b45501'));
    put('ams-sign-1/b.mobileprovision', appleProfile('c3e20987'));
    put('beta/c.mobileprovision', appleProfile('e921776a'));
    put('ams-sign-1/beta/d.mobileprovision', appleProfile('b41c7318'));
    const { candidates, ignored } = await list();
    expect(ignored).toEqual([]);
    expect(candidates.map((one) => one.origin)).toEqual([
      { source: 'drop', path: 'drop/a.mobileprovision' },
      { source: 'drop', path: 'drop/ams-sign-1/b.mobileprovision', holder: 'ams-sign-1' },
      { source: 'drop', path: 'drop/ams-sign-1/beta/d.mobileprovision', holder: 'ams-sign-1', variant: 'beta' },
      { source: 'drop', path: 'drop/beta/c.mobileprovision', variant: 'beta' },
    ]);
    expect(Buffer.compare(candidates[0]?.bytes ?? new Uint8Array(), appleProfile('a0b45501'))).toBe(0);
  });

  it('lists whatever cannot be used with its reason, and throws nothing', async () => {
    put('empty.mobileprovision', '');
    put('page.mobileprovision', '<html></html>');
    put('readme.txt', 'hello');
    put('tampered.mobileprovision', flipped(appleProfile('a0b45501'), 3000));
    put('nobody/beta/x.mobileprovision', appleProfile('a0b45501'));
    put('ams-sign-1/beta/deeper/x.mobileprovision', appleProfile('a0b45501'));
    put('huge.mobileprovision', '');
    truncateSync(join(folder, 'huge.mobileprovision'), 50 * 1024 * 1024);
    symlinkSync(appleProfilePath('a0b45501'), join(folder, 'link.mobileprovision'));
    symlinkSync(tmpdir(), join(folder, 'elsewhere'));
    execFileSync('mkfifo', [join(folder, 'pipe.mobileprovision')]);
    put('.DS_Store', 'passed over');
    const { candidates, ignored } = await list();
    expect(candidates).toEqual([]);
    expect(Object.fromEntries(ignored.map((one) => [one.path.slice('drop/'.length), one.reasons.join()]))).toEqual({
      'ams-sign-1/beta/deeper/x.mobileprovision': expect.stringContaining('too deep'),
      elsewhere: expect.stringContaining('symbolic link'),
      'empty.mobileprovision': expect.stringContaining('empty file'),
      'huge.mobileprovision': expect.stringContaining('50.0 MB'),
      'link.mobileprovision': expect.stringContaining('symbolic link'),
      'nobody/beta/x.mobileprovision': expect.stringContaining('no node of the topology'),
      'page.mobileprovision': expect.stringContaining('HTML'),
      'pipe.mobileprovision': expect.stringContaining('not a regular file'),
      'readme.txt': expect.stringContaining('.mobileprovision'),
      'tampered.mobileprovision': expect.stringContaining('changed after signing'),
    });
  });

  it.skipIf(process.getuid?.() === 0)('lists a file that may not be read', async () => {
    put('secret.mobileprovision', appleProfile('a0b45501'));
    chmodSync(join(folder, 'secret.mobileprovision'), 0o000);
    expect((await list()).ignored).toEqual([expect.objectContaining({ reasons: [expect.stringContaining('permission denied')] })]);
  });

  it('fails where the folder itself is missing, naming it', async () => {
    rmSync(folder, { recursive: true });
    await expect(list()).rejects.toMatchObject({ code: 'FILE_UNREADABLE', message: expect.stringContaining(folder) });
  });
});
