import { spawnSync } from 'node:child_process';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findRcodesign } from '../../src/mac/rcodesign.js';
import { simulatedMac, type Mac } from '../simulator/mac/support.js';
import { HOST_NEW, HOST, TriageWorld } from './world.js';

describe.skipIf(findRcodesign() === null)("on a Mac: Apple's own tools are asked (S7, S10)", () => {
  let world: TriageWorld;
  let mac: Mac;
  beforeAll(async () => {
    world = await TriageWorld.make();
    mac = await simulatedMac();
  });
  afterAll(() => {
    mac.dispose();
    world.dispose();
  });
  const env = (): NodeJS.ProcessEnv => ({ ...process.env, HOME: mac.home, PATH: `${mac.home}/bin:${process.env['PATH'] ?? ''}` });
  const findings = async (...args: readonly string[]) => {
    const { out } = await world.triage([...args, '--json'], env());
    return JSON.parse(out) as Awaited<ReturnType<TriageWorld['view']>>;
  };

  it('the tools of the simulated Mac answer', () => {
    expect(spawnSync('security', ['find-identity', '-p', 'codesigning'], { env: env(), cwd: mac.home, encoding: 'utf8' }).status).toBe(0);
  });

  it('no identity of the profile is in the keychains here, then one is; codesign tells Team and Authority', async () => {
    const app = world.app();
    const before = await findings('--app', app);
    expect(before.stages[1]?.findings.map((one) => [one.verdict, one.check, one.subject])).toEqual([
      ['fail', 'identity-missing', 'Courier.app'],
      ['fail', 'identity-missing', 'Courier.app/PlugIns/Share.appex'],
    ]);
    expect(before.artifact?.bundles[0]?.signature).toMatchObject({ state: 'signed', source: 'codesign', team: '9QK4T7XW2B' });
    const here = await mac.issue();
    mac.importReady(here);
    const profile = world.profile(HOST_NEW, HOST, { certificates: [world.identity, here] });
    const after = await findings('--app', world.app({ host: { profile } }));
    expect(after.stages[1]?.findings[0]).toMatchObject({ verdict: 'ok', check: 'identity', subject: 'Courier.app' });
  });
});
