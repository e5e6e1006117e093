import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import type { Manifest, ManifestEntry } from '../../src/domain/manifest.js';
import { sha256Of } from '../../src/manifest/digest.js';
import { freezeManifest } from '../../src/manifest/freeze.js';
import { reseal } from './terminal.js';

const folder = mkdtempSync(join(tmpdir(), 'reseal-diff-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const IDENTITY = '97134e8cc0e5ffe4ba55eaf5dc7b6e9c0050bc31';
const entry = (target: string, digit: string, more: Partial<ManifestEntry> = {}): ManifestEntry => {
  const bundleId = `com.acme.${target.toLowerCase()}`;
  const uuid = `753bad01-23c2-521a-b90e-d56f6e4bb7e${digit}`;
  const profile = { uuid, fileName: `${uuid}.mobileprovision`, sha256: digit.repeat(64), name: `${target} Store`, appId: `9QK4T7XW2B.${bundleId}`, platforms: ['iOS'], certificates: [IDENTITY], createdAt: '2025-11-29T09:24:31Z', expiresAt: '2026-11-29T09:14:07Z' }; // prettier-ignore
  return { app: 'courier', role: 'host', team: '9QK4T7XW2B', bundleId, method: 'app-store', targets: [target], identity: IDENTITY, profile, ...more } as ManifestEntry; // prettier-ignore
};
const write = (name: string, ...profiles: readonly ManifestEntry[]): string => {
  const certificate = { commonName: 'Apple Distribution: Acme GmbH (9QK4T7XW2B)', team: '9QK4T7XW2B', serial: '5F2C9A', expiresAt: '2027-03-02T11:40:12Z' }; // prettier-ignore
  const path = join(folder, name);
  writeFileSync(path, freezeManifest({ schemaVersion: 1, line: 'ios-main', certificates: { [IDENTITY]: certificate }, profiles } as unknown as Manifest).bytes); // prettier-ignore
  return path;
};

it('says for every entry what it signs, and for every field that changed what it was and what it is', async () => {
  const a = write('a.json', entry('Courier', '1'), entry('Depot', '2'), entry('Old', '3'));
  const b = write('b.json', entry('Courier', '4', { targets: ['Courier', 'CourierLite'] }), entry('Depot', '2', { role: 'clip' }), entry('New', '5')); // prettier-ignore
  const { exit, stdout } = await reseal(['manifest', 'diff', a, b]);
  expect(exit).toBe(1);
  expect(stdout).toContain('+ com.acme.new app-store (New): New Store, 753bad01-23c2-521a-b90e-d56f6e4bb7e5, until 2026-11-29');
  expect(stdout).toContain('- com.acme.old app-store (Old): Old Store, 753bad01-23c2-521a-b90e-d56f6e4bb7e3, until 2026-11-29');
  expect(stdout).toContain('~ com.acme.courier app-store: targets Courier → Courier,CourierLite');
  expect(stdout).toContain('~ com.acme.depot app-store: role host → clip');
});

it('with --public no digest, fingerprint or serial number is whole, as text or as a document (S8)', async () => {
  const a = write('c.json', entry('Courier', '1'), entry('Old', '3'));
  const b = write('d.json', entry('Courier', '4'), entry('New', '5'));
  const planted = ['1', '3', '4', '5']
    .map((digit) => digit.repeat(64))
    .concat(IDENTITY, ...[a, b].map((path) => sha256Of(readFileSync(path))));
  const told = async (...more: readonly string[]) => (await reseal(['manifest', 'diff', a, b, ...more])).stdout;
  const whole = `${await told()}${await told('--json')}`;
  expect(planted.filter((one) => whole.includes(one)).length).toBeGreaterThan(1);
  for (const form of [[], ['--json']]) {
    const text = await told(...form, '--public');
    expect(text).toContain('com.acme.new');
    expect([form, planted.filter((one) => text.includes(one))]).toEqual([form, []]);
  }
});
