import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { describeDistance } from '../../src/domain/duration.js';
import type { ManifestStore, StoreItem } from '../../activities/manifest-store/contract.js';
import { keptImport } from '../../src/domain/imports/kept.js';
import { importFiles } from '../../src/cli/profile/import.js';
import { exitCodeOf, inspectFiles } from '../../src/cli/profile/inspect.js';
import { verifyFiles } from '../../src/cli/profile/verify.js';
import { profileFilesText, profileImportText, profileVerdictsText } from '../../src/presenters/profile-text.js';
import { APPLE_ROOTS, sha256Hex } from '../../src/profile/index.js';
import { appleProfile, appleProfilePath, flipped } from './support.js';

const at = Date.parse('2024-06-22T12:00:00Z');
const options = { roots: APPLE_ROOTS, at, cwd: process.cwd() };
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: Uint8Array | string): string {
  writeFileSync(join(folder, name), content);
  return join(folder, name);
}

describe('reseal profile inspect (P1)', () => {
  it('gives the documented fields, with the last six digits of serials only (S8)', async () => {
    const view = await inspectFiles([appleProfilePath('c3e20987')], options);
    expect(view).toMatchObject({ schemaVersion: 1, ok: true });
    expect(view.profiles[0]).toMatchObject({
      path: appleProfilePath('c3e20987'),
      uuid: 'c3e20987-ffea-4d11-b037-e8bf0a102561',
      name: 'Fastlane PR Unit Tests',
      teamId: 'VQVYM88YJ2',
      teamName: 'Jigx, Inc',
      kind: 'app-store',
      platforms: ['iOS', 'xrOS'],
      bundleId: 'com.jigx.test.ios',
      createdAt: '2023-06-29T15:40:09Z',
      expiresAt: '2024-06-28T15:21:31Z',
      sha256: sha256Hex(appleProfile('c3e20987')),
      certificates: [
        {
          sha1: expect.stringMatching(/^2ed916f3/),
          commonName: expect.any(String),
          serialLast6: '719C8A',
          expiresAt: '2024-06-28T15:21:31Z',
        },
      ],
      signature: { status: 'valid', signerExpired: false, signedAt: '2023-06-29T15:40:09Z', reason: expect.any(String) },
    });
    expect(JSON.stringify(view)).not.toContain('665C0BF3');
    expect(exitCodeOf(view)).toBe(0);
  });

  it('reports the other files beside one that is no profile', async () => {
    const view = await inspectFiles([file('x.mobileprovision', '<html>'), appleProfilePath('a0b45501'), join(folder, 'absent')], options);
    expect(view.profiles.map((one) => one.error?.code)).toEqual(['NOT_A_PROFILE', undefined, 'FILE_UNREADABLE']);
    expect(exitCodeOf(view)).toBe(1);
  });

  it('shows the status of a broken signature, whether the contents can still be decoded or not', async () => {
    const bytes = appleProfile('c3e20987');
    const name = Buffer.from(bytes).indexOf('Fastlane PR');
    const view = await inspectFiles(
      [file('name.mobileprovision', flipped(bytes, name)), file('tag.mobileprovision', flipped(bytes, 62))],
      options,
    );
    expect(view.profiles).toMatchObject([
      { name: 'Gastlane PR Unit Tests', signature: { status: 'invalid' } },
      { signature: { status: 'invalid' }, error: { code: 'PROFILE_UNTRUSTED' } },
    ]);
    expect(exitCodeOf(view)).toBe(1);
  });

  it('prints aligned text with the time left, and lets no file steer the terminal', async () => {
    const bytes = Buffer.from(appleProfile('c3e20987'));
    bytes[bytes.indexOf('Fastlane PR')] = 0x7f;
    const text = profileFilesText(
      await inspectFiles([appleProfilePath('c3e20987'), file('x.mobileprovision', bytes)], options),
      (instant) => describeDistance(instant, at),
    );
    expect(text).toMatch(/^ {2}expires {6}in 6 days 3 hours$/m);
    expect(text).toMatch(/^ {2}certificate {2}2ed916f3 Apple Distribution: .*serial …719C8A, expires .*in 6 days 3 hours$/m);
    expect(text).toMatch(/^ {2}name {9}\?astlane/m);
    expect(text).toContain('INVALID: the contents were changed after signing');
  });
});

describe('reseal profile verify (T5)', () => {
  it('is positive for what Apple signed and negative for anything else', async () => {
    const good = await verifyFiles([appleProfilePath('c3e20987')], options);
    expect(exitCodeOf(good)).toBe(0);
    const bad = await verifyFiles(
      [appleProfilePath('c3e20987'), file('x.mobileprovision', flipped(appleProfile('c3e20987'), 3000))],
      options,
    );
    expect(exitCodeOf(bad)).toBe(1);
    expect(profileVerdictsText(bad)).toMatch(/^valid {4}.*c3e20987[^]*^refused {2}.*x\.mobileprovision\n.*changed after signing/m);
  });
});

describe('reseal profile import', () => {
  const puts: StoreItem[] = [];
  const store: Pick<ManifestStore, 'putMany'> = {
    putMany: async (items) => {
      puts.push(...items);
      return items.map((item) => sha256Hex('bytes' in item ? item.bytes : new Uint8Array()));
    },
  };
  const vouch = async () => keptImport('alice');
  beforeEach(() => puts.splice(0));

  it('writes the verified bytes and who imported them', async () => {
    const view = await importFiles([appleProfilePath('c3e20987')], {
      ...options,
      store,
      vouch,
      importedBy: 'alice',
      context: { ticket: 'CHG-1' },
    });
    expect(puts).toEqual([
      { kind: 'profile', bytes: expect.anything() as unknown, importedBy: 'alice' },
      { kind: 'import', of: [sha256Hex(appleProfile('c3e20987'))], document: { kind: 'import', schemaVersion: 1, by: 'alice' } },
    ]);
    expect(view).toMatchObject({ ok: true, imported: true, importedBy: 'alice' });
    expect(profileImportText(view)).toContain('Imported 1 profile as alice.');
  });

  it('writes nothing where one of the files does not count (T5)', async () => {
    const view = await importFiles([appleProfilePath('c3e20987'), file('x.mobileprovision', '')], {
      ...options,
      store,
      vouch,
      importedBy: 'alice',
      context: {},
    });
    expect(puts).toEqual([]);
    expect(view).toMatchObject({ ok: false, imported: false });
    expect(profileImportText(view)).toContain('Nothing was imported');
  });

  it('stops where the store answers with another digest', async () => {
    const lying: typeof store = { putMany: async () => [sha256Hex(new Uint8Array())] };
    await expect(
      importFiles([appleProfilePath('c3e20987')], { ...options, store: lying, vouch, importedBy: 'alice', context: {} }),
    ).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });
});
