import { describe, expect, it } from 'vitest';
import type { NodeName, PersonId } from '../../../src/domain/brands.js';
import { compressWaits, waitsOf, watchableFactor } from '../../../src/domain/rehearsal/compress.js';
import { dueFrom, firstScan, startsBySchedule } from '../../../src/domain/rehearsal/date.js';
import { forecastFindings, type Forecast } from '../../../src/domain/rehearsal/forecast.js';
import { findingsOf } from '../../../src/domain/rehearsal/rehearsal.js';
import { runFindings, wayBack } from '../../../src/domain/rehearsal/run.js';
import { realWindow } from '../../../src/domain/rehearsal/window.js';
import { completed, DAY, declaration, digest, HOUR, manifestExpiring, MONDAY, policy, rolledBack, step, wellForecast } from './support.js';

const found = (change: Partial<Forecast>): readonly string[] =>
  forecastFindings({ ...wellForecast, ...change }).map(({ verdict, check }) => `${verdict} ${check}`);

describe('what a rehearsal waits (R8)', () => {
  it('takes about twenty seconds by default, whatever the policy asks for', () => {
    const factor = watchableFactor(policy);
    expect(factor).toBe(5040);
    expect(waitsOf(compressWaits(policy, factor))).toBeLessThanOrEqual(20_000);
  });

  it('is what the policy asks for where waits are not compressed', () => {
    const { soak, gate, retirement } = compressWaits(policy, 1);
    expect({ soak, timeout: gate.timeout, build: retirement.maxBuildDuration }).toEqual({
      soak: policy.soak,
      timeout: policy.gate.timeout,
      build: policy.retirement.maxBuildDuration,
    });
  });

  it('leaves time for what is waited for, which is not compressed', () => {
    const { gate, cohorts } = compressWaits(policy, 1_000_000);
    expect(gate.timeout).toBe(60_000);
    expect(cohorts.stallTimeout).toBe(10_000);
  });
});

describe('when a rehearsal begins by itself', () => {
  it('is the first scan in which something is due', () => {
    const manifest = manifestExpiring('2026-12-10T09:14:07Z');
    expect(new Date(dueFrom(manifest, policy)).toISOString()).toBe('2026-12-03T09:14:07.000Z');
    expect(new Date(startsBySchedule(manifest, policy, MONDAY)).toISOString()).toBe('2026-12-04T06:00:00.000Z');
  });

  it('is the next scan where something is due already', () => {
    const manifest = manifestExpiring('2026-11-26T09:14:07Z');
    expect(startsBySchedule(manifest, policy, MONDAY + HOUR)).toBe(MONDAY + DAY);
    expect(startsBySchedule(manifest, policy, MONDAY)).toBe(MONDAY);
  });

  it('heeds the zone of the scan', () => {
    const berlin = { scan: { ...policy.scan, at: '06:30', zone: 'Europe/Berlin' } };
    expect(new Date(firstScan(berlin, MONDAY)).toISOString()).toBe('2026-11-24T05:30:00.000Z');
  });
});

it('the real window is laid out by the policy as it is', () => {
  const { at, horizon, mesh } = wellForecast;
  const window = realWindow(at, horizon, mesh, policy);
  expect(window.stretches.map(({ phase }) => phase)).toEqual(['staging', 'canary', 'awaiting-signoff', 'rolling', 'soaking', 'retiring']);
  expect(window.stretches[0]?.beginsBy).toBe(at);
  expect(window.endsBy).toBe(at + window.stretches.reduce((sum, { atMost }) => sum + atMost, 0));
  expect(window.spare).toBeGreaterThan(3 * DAY);
});

describe('what would have broken', () => {
  it('is nothing where nothing is wrong', () => {
    expect(found({})).toEqual([]);
  });

  it('is every reason that preflight has', () => {
    expect(found({ reasons: ['too late', 'nobody may approve'] })).toEqual(['breaks preflight', 'breaks preflight']);
  });

  it('is a missing successor once it is due, and is heeded before', () => {
    expect(found({ missing: ['no successor for a'] })).toEqual(['heed successors-missing']);
    expect(found({ missing: ['no successor for a'], now: wellForecast.at })).toEqual(['breaks successors-missing']);
  });

  it('is an unlock window that never opens before the old assets end', () => {
    const windows = (days: readonly string[], from: string, to: string): Partial<Forecast> => ({
      declaration: { ...declaration, keychains: { onUnlockFailure: [], unlockWindows: [{ days, from, to, zone: 'UTC' }] } },
    });
    expect(found({ ...windows(['mon'], '06:00', '08:00'), horizon: wellForecast.at + 5 * DAY })).toEqual(['breaks unlock-windows']);
    expect(found(windows(['tue'], '06:00', '08:00'))).toEqual(['heed unlock-windows']);
    expect(found(windows(['mon'], '06:00', '22:00'))).toEqual([]);
  });

  it('is an office that opens too late for approvals, and an office that opens later is heeded', () => {
    const holidays = ['2026-11-23', '2026-11-24', '2026-11-25', '2026-11-26', '2026-11-27'];
    const office = policy.calendars['office'];
    if (office === undefined) throw new Error('no office');
    expect(found({ policy: { ...policy, calendars: { office: { ...office, holidays } } } })).toEqual(['breaks office-hours']);
    expect(found({ at: MONDAY })).toEqual(['heed office-hours']);
  });

  it('is told of a single signer whose seat a job may hold for longer than the rotation waits', () => {
    const nodes = wellForecast.nodes.filter(({ name }) => name !== 'sign-2');
    expect(found({ nodes })).toEqual(['heed seat']);
  });

  it('is told where exactly as many may approve as are needed', () => {
    expect(found({ approvers: ['ada', 'grace'] as PersonId[] })).toEqual(['heed approvers']);
  });

  it('names profiles that cannot be read together, by the reason', () => {
    const unreadable = [
      { profile: 'a', reason: 'not there' },
      { profile: 'b', reason: 'not there' },
    ];
    const [finding, ...more] = forecastFindings({ ...wellForecast, unreadable });
    expect([finding?.found, more]).toEqual(['a, b: not there', []]);
  });

  it('counts the errors of the topology review, heeds its warnings, and leaves other lines and notes out', () => {
    const one = { check: 'no-signer', lines: [], nodes: [], path: [], found: 'f', expected: 'e', next: 'n' } as const;
    const topology = [
      { ...one, verdict: 'error' },
      { ...one, verdict: 'warning' },
      { ...one, verdict: 'note' },
      { ...one, verdict: 'error', lines: ['other'] },
    ] as unknown as Forecast['topology'];
    expect(found({ topology })).toEqual(['breaks no-signer', 'heed no-signer']);
  });
});

describe('what a run tells (R6)', () => {
  it('finds nothing where a broken rotation came back in order, and a whole one completed', () => {
    expect([...runFindings(rolledBack), ...runFindings(completed)]).toEqual([]);
  });

  it('tells the way back in the order in which it happened', () => {
    expect(wayBack(rolledBack).map(({ kind, node }) => `${kind} ${node}`)).toEqual([
      'switch-back build-2',
      'switch-back build-1',
      'switch-back sign-1',
      'unstage sign-1',
      'unstage build-1',
    ]);
  });

  it('finds a cohort that came back before a later one', () => {
    const steps = [step('sign-1', 'switch-back', 1), step('build-1', 'switch-back', 2)];
    expect(runFindings({ ...rolledBack, steps }).map(({ check }) => check)).toEqual(['order-of-rollback']);
  });

  it('finds another outcome than the expected, and one that never came', () => {
    expect(runFindings({ ...completed, outcome: 'refused', reasons: ['too late'] })[0]?.found).toBe(
      'ios-main-2 ended as refused: too late',
    );
    expect(runFindings({ ...completed, outcome: null })[0]?.found).toContain('came to no end');
  });

  it('finds a node that was left behind, by name', () => {
    const serving = completed.serving.map((one) => (one.node === ('build-1' as NodeName) ? { ...one, active: digest('a') } : one));
    expect(runFindings({ ...completed, serving })[0]?.found).toContain('build-1 served something else');
  });

  it('finds questions and troubles only where nothing was broken on purpose', () => {
    const { questions, troubles } = rolledBack;
    expect(runFindings({ ...completed, questions, troubles }).map(({ check }) => check)).toEqual(['question', 'trouble']);
  });
});

it('builds that failed break, and come before what is only heeded', () => {
  const builds = { builds: 9, checks: 9, failures: ['build-1 misses a profile'] };
  const findings = findingsOf({ forecast: { ...wellForecast, at: MONDAY }, runs: [completed], builds });
  expect(findings.map(({ verdict, check }) => `${verdict} ${check}`)).toEqual(['breaks builds', 'heed office-hours']);
});
