import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Sha256 } from '../../../src/domain/brands.js';
import {
  acquireClaim,
  claimView,
  completeClaim,
  releaseClaim,
  unclaimed,
  type ClaimKey,
  type ClaimRequest,
  type SigningClaim,
} from '../../../src/domain/signing/claim.js';

const sha = (digit: string): Sha256 => digit.repeat(64) as Sha256;
const KEY: ClaimKey = { artifact: sha('a'), bundleId: 'com.acme.courier', method: 'app-store' };
const TERMS = { lease: 100, longest: 400 };
const FREE = unclaimed(KEY, []);
const signed = (digit: string) => ({ signed: sha(digit), location: null });

const ask = (job: string, more: Partial<ClaimRequest> = {}): ClaimRequest => ({
  holder: 'ci',
  pipeline: 'courier',
  ticket: 'CHG-1',
  job,
  manifest: sha('f'),
  token: `token-${job}`,
  lease: null,
  purpose: 'sign',
  ...more,
});

/** Granted at 0 to job `a`. */
const taken = acquireClaim(FREE, ask('a'), 0, TERMS).claim;

describe('a claim', () => {
  it('is granted to one of two jobs, and answers the other with the first one’s signature (S11)', () => {
    const second = acquireClaim(taken, ask('b'), 1, TERMS);
    expect(second.answer).toMatchObject({ kind: 'held', by: { holder: 'ci', job: 'a', until: 100 } });
    const done = completeClaim(second.claim, 'token-a', signed('1'), 50);
    expect(done.answer).toMatchObject({ kind: 'completed', signing: { job: 'a', manifest: sha('f'), signed: sha('1') } });
    expect(acquireClaim(done.claim, ask('b'), 60, TERMS).answer).toMatchObject({ kind: 'signed', signing: { job: 'a', signed: sha('1') } });
  });

  it('asked for again by its job is the same claim, and its lease no longer', () => {
    expect(acquireClaim(taken, ask('a', { token: 'another' }), 60, TERMS).answer).toEqual({
      kind: 'granted',
      token: 'token-a',
      until: 100,
    });
    expect(acquireClaim(FREE, ask('a', { lease: 9_999 }), 0, TERMS).answer).toMatchObject({ until: 400 });
  });

  it('of a job that died is over with its lease, and the next job has it; the dead one’s signature comes too late', () => {
    const next = acquireClaim(taken, ask('b'), 100, TERMS);
    expect(next.answer).toMatchObject({ kind: 'granted', token: 'token-b', until: 200 });
    expect(completeClaim(next.claim, 'token-a', signed('1'), 101).answer).toMatchObject({ kind: 'gone', by: { job: 'b' } });
    const done = completeClaim(next.claim, 'token-b', signed('2'), 102).claim;
    expect(completeClaim(done, 'token-a', signed('1'), 103).answer).toMatchObject({ kind: 'gone', by: { signed: sha('2') } });
  });

  it('that is completed late counts as long as nobody else has claimed the artifact', () => {
    expect(completeClaim(taken, 'token-a', signed('1'), 150).answer).toMatchObject({ kind: 'completed' });
  });

  it('completed twice is one signature; with another artifact it is refused', () => {
    const once = completeClaim(taken, 'token-a', signed('1'), 50).claim;
    const twice = completeClaim(once, 'token-a', signed('1'), 60);
    expect(twice).toMatchObject({ claim: once, answer: { kind: 'completed', signing: { completedAt: 50 } } });
    expect(completeClaim(once, 'token-a', signed('2'), 60).answer).toMatchObject({ kind: 'contradicts', signing: { signed: sha('1') } });
  });

  it('is given up by its token alone, and the next job need not wait', () => {
    expect(acquireClaim(releaseClaim(taken, 'guessed', 1), ask('b'), 1, TERMS).answer.kind).toBe('held');
    const released = releaseClaim(taken, 'token-a', 1);
    expect(acquireClaim(released, ask('b'), 1, TERMS).answer.kind).toBe('granted');
    expect(completeClaim(released, 'token-a', signed('1'), 2).answer).toEqual({ kind: 'gone', by: null });
  });

  it('to sign once more is granted though it is signed, once per job, and its signature counts from then on', () => {
    const once = completeClaim(taken, 'token-a', signed('1'), 50).claim;
    const again = acquireClaim(once, ask('c', { purpose: 'resign', ticket: 'CHG-2' }), 60, TERMS);
    expect(again.answer.kind).toBe('granted');
    const twice = completeClaim(again.claim, 'token-c', signed('2'), 70).claim;
    expect(acquireClaim(twice, ask('b'), 80, TERMS).answer).toMatchObject({
      kind: 'signed',
      signing: { signed: sha('2'), ticket: 'CHG-2' },
    });
    const rerun = acquireClaim(twice, ask('c', { purpose: 'resign', token: 'new' }), 80, TERMS);
    expect(rerun.answer).toMatchObject({ kind: 'signed', signing: { signed: sha('2') } });
    expect(acquireClaim(twice, ask('d', { purpose: 'resign' }), 80, TERMS).answer.kind).toBe('granted');
  });

  it('shows nobody’s token', () => {
    const once = completeClaim(taken, 'token-a', signed('1'), 50).claim;
    const again = acquireClaim(once, ask('c', { purpose: 'resign' }), 60, TERMS).claim;
    expect(JSON.stringify(claimView(again))).not.toContain('token');
  });
});

describe('whatever jobs do', () => {
  const acts = fc.array(
    fc.record({
      after: fc.integer({ min: 0, max: 60 }),
      job: fc.integer({ min: 0, max: 4 }),
      act: fc.constantFrom('ask' as const, 'ask' as const, 'complete' as const, 'release' as const),
    }),
    { maxLength: 60 },
  );

  it('there is at most one signature unless somebody signs once more, and a claim has one holder at a time', () => {
    fc.assert(
      fc.property(acts, (story) => {
        let claim: SigningClaim = FREE;
        let now = 0;
        const tokens = new Map<number, string>();
        const granted = new Map<string, number>();
        story.forEach(({ after, job, act }, index) => {
          now += after;
          const token = tokens.get(job) ?? 'none';
          if (act === 'ask') {
            const { claim: next, answer } = acquireClaim(claim, ask(String(job), { token: `t${index}` }), now, TERMS);
            claim = next;
            if (answer.kind === 'granted') {
              tokens.set(job, answer.token);
              granted.set(answer.token, answer.until);
              const others = [...granted].filter(([one, until]) => one !== answer.token && until > now);
              expect(others).toEqual([]);
            }
          } else if (act === 'complete') {
            claim = completeClaim(claim, token, signed(String(job)), now).claim;
          } else {
            claim = releaseClaim(claim, token, now);
            granted.delete(token);
          }
          if (claim.held === null)
            for (const [one, until] of granted) if (claim.signings.some((s) => s.token === one)) granted.set(one, Math.min(until, now));
          expect(claim.signings.length).toBeLessThanOrEqual(1);
        });
      }),
    );
  });
});
