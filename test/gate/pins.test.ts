import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { NODE, world, type World } from '../node/mesh.js';
import { expecting, gateOn, pin, unpin } from './job.js';

let mesh: World;
beforeEach(async () => {
  mesh = await world();
  await mesh.settled();
});
afterEach(() => mesh.remove());

const place = () => ({ home: mesh.home, node: NODE });
const folder = (): string => join(mesh.home, 'usr/local/var/reseal/state/pins');
const leases = (): readonly Record<string, string>[] =>
  (existsSync(folder()) ? readdirSync(folder()) : [])
    .filter((name) => !name.startsWith('seen.'))
    .map((name) => JSON.parse(readFileSync(join(folder(), name), 'utf8')) as Record<string, string>);

describe('a build pins its manifest (R9)', () => {
  it('the lease says who, what and until when; it is renewed by the same call, and given back', async () => {
    const first = await pin(place(), 'courier #7', mesh.from, ['--pin-for', '10m']);
    expect(first.stderr).toContain('pinned until');
    const [lease] = leases();
    expect(lease).toMatchObject({ job: 'courier #7', pipeline: null, line: 'ios-main', manifest: mesh.from });
    expect(Date.parse(lease?.['expires'] ?? '') - Date.parse(lease?.['at'] ?? '')).toBe(600_000);
    await pin(place(), 'courier #7', mesh.from);
    const [renewed] = leases();
    expect(leases()).toHaveLength(1);
    expect(Date.parse(renewed?.['expires'] ?? '') - Date.parse(renewed?.['at'] ?? '')).toBe(4 * 3_600_000);
    const released = await unpin(place(), 'courier #7');
    expect([released.log.released, leases()]).toEqual([1, []]);
    expect((await unpin(place(), 'courier #7')).log.released).toBe(0);
  });

  it('a build that does not say how long it takes pins for the longest build of the policy, as the node has it', async () => {
    const file = join(mesh.home, 'usr/local/var/reseal/state/node.json');
    const rendered = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    expect(rendered).toEqual({ schemaVersion: 1, node: NODE, region: 'eu-west', longestBuildSeconds: 14_400 });
    for (const [seconds, lasts] of [
      [2_700, 2_700],
      [9_000_000, 7 * 86_400],
    ] as const) {
      writeFileSync(file, JSON.stringify({ ...rendered, longestBuildSeconds: seconds }));
      await pin(place(), 'courier #7', mesh.from);
      const [lease] = leases();
      expect(Date.parse(lease?.['expires'] ?? '') - Date.parse(lease?.['at'] ?? '')).toBe(lasts * 1_000);
    }
  });

  it.each(['../../../etc/passwd', 'a/b', '.', '-rf', 'x'.repeat(500), 'Größe 🚀', "'; rm -rf ~; '", 'seen.', '%00'])(
    'a job called %j gets a lease of its own and no other file',
    async (job) => {
      await pin(place(), 'another', mesh.from);
      await pin(place(), job, mesh.from);
      expect(
        leases()
          .map((one) => one['job'])
          .sort(),
      ).toEqual([job, 'another'].sort());
      for (const name of readdirSync(folder())) expect(name).toMatch(/^(?:seen\.)?[0-9a-f]{32}\.ios-main\.json$/);
      await unpin(place(), job);
      expect(leases().map((one) => one['job'])).toEqual(['another']);
    },
  );

  it.each(['a\nb', '', 'x'.repeat(501), '\u202Egnp.exe'])('no job is called %j', async (job) => {
    expect((await gateOn(place(), [...expecting(mesh.from), `--pin=${job}`])).exit).toBe(2);
    expect(leases()).toEqual([]);
  });

  it('a gate that is red pins nothing', async () => {
    expect((await gateOn(place(), [...expecting(mesh.to), '--pin', 'job'])).exit).toBe(1);
    expect(leases()).toEqual([]);
  });

  it.each(['9d', '0h', '1', 'soon'])('no lease is for %s', async (time) => {
    expect((await gateOn(place(), [...expecting(mesh.from), '--pin', 'job', '--pin-for', time])).exit).toBe(2);
  });

  it('where it cannot be written the gate is red and says who has to do what', async () => {
    writeFileSync(folder(), 'a file');
    const answer = await gateOn(place(), [...expecting(mesh.from), '--pin', 'job']);
    expect(answer.exit).toBe(1);
    expect(answer.log.reasons).toMatchObject([{ check: 'pin', found: `${folder()} is a file` }]);
    expect(answer.stderr).toContain(`install -d -m 1777 ${folder()}`);
    rmSync(folder());
  });

  it.skipIf(process.getuid?.() === 0)('the same where this account may not write', async () => {
    mkdirSync(folder());
    chmodSync(folder(), 0o555);
    expect((await gateOn(place(), [...expecting(mesh.from), '--pin', 'job'])).log.reasons).toMatchObject([
      { check: 'pin', found: 'EACCES' },
    ]);
  });

  it('jobs that pin at the same time do not see half a lease of each other', async () => {
    const jobs = Array.from({ length: 8 }, (_, index) => `job ${index}`);
    await Promise.all(jobs.map((job) => pin(place(), job, mesh.from)));
    expect(
      leases()
        .map((one) => one['job'])
        .sort(),
    ).toEqual(jobs);
    expect(statSync(join(folder(), readdirSync(folder())[0]!)).mode & 0o777).toBe(0o644);
  });
});
