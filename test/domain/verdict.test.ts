import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { nodeVerdict, proof, type CheckResult, type CheckVerdict, type Verdict } from '../../src/domain/node/probe.js';

const check = (verdict: CheckVerdict): CheckResult => ({ check: 'profile-files', verdict, reason: '' });
const anyCheck = fc.constantFrom<CheckVerdict>('pass', 'fail', 'inconclusive', 'not-due').map(check);

/** Probes a second apart or less. */
const probes = fc
  .array(
    fc.record({
      wait: fc.integer({ min: 0, max: 1_000 }),
      verdict: fc.constantFrom<Verdict>('pass', 'pass', 'pass', 'fail', 'inconclusive'),
    }),
    {
      maxLength: 20,
    },
  )
  .map((all) => {
    let at = 0;
    return all.map(({ wait, verdict }) => ({ at: (at += wait), verdict }));
  });
const needed = fc.integer({ min: 1, max: 5 });
const patience = fc.integer({ min: 1, max: 5_000 });

describe('the verdict of a node (R4)', () => {
  it('is the worst of its checks, in whatever order, and what is not due has no say', () => {
    fc.assert(
      fc.property(fc.array(anyCheck, { maxLength: 12 }), (checks) => {
        const due = checks.filter((one) => one.verdict !== 'not-due');
        const verdict = nodeVerdict(checks);
        expect(nodeVerdict([...checks].reverse())).toBe(verdict);
        expect(nodeVerdict(due)).toBe(verdict);
        expect(verdict === 'pass').toBe(due.every((one) => one.verdict === 'pass'));
        expect(verdict === 'fail').toBe(due.some((one) => one.verdict === 'fail'));
      }),
    );
  });

  it('never gets better by a further check', () => {
    const rank: Readonly<Record<Verdict, number>> = { pass: 0, inconclusive: 1, fail: 2 };
    fc.assert(
      fc.property(fc.array(anyCheck, { maxLength: 12 }), anyCheck, (checks, more) => {
        expect(rank[nodeVerdict([...checks, more])]).toBeGreaterThanOrEqual(rank[nodeVerdict(checks)]);
      }),
    );
  });
});

describe('the proof of a switch (R4)', () => {
  it('needs that many passes in a row: an inconclusive probe never counts, and begins the count again', () => {
    fc.assert(
      fc.property(probes, needed, patience, (all, passes, inconclusiveFor) => {
        const { state } = proof(all, passes, inconclusiveFor);
        const inRow = all.some((_, index) => {
          const run = all.slice(index, index + passes);
          return run.length === passes && run.every((probe) => probe.verdict === 'pass');
        });
        if (state === 'proven') expect(inRow).toBe(true);
        if (!all.some((probe) => probe.verdict !== 'pass')) expect(state).toBe(all.length >= passes ? 'proven' : 'proving');
      }),
    );
  });

  it('fails at the first fail, unless it was decided before', () => {
    fc.assert(
      fc.property(probes, needed, patience, (all, passes, inconclusiveFor) => {
        const before = proof(all, passes, inconclusiveFor);
        const failed = proof([...all, { at: (all.at(-1)?.at ?? 0) + 1, verdict: 'fail' }], passes, inconclusiveFor);
        expect(failed.state).toBe(before.state === 'proving' ? 'failed' : before.state);
      }),
    );
  });

  it('once decided, stays decided, whatever is probed later', () => {
    fc.assert(
      fc.property(probes, probes, needed, patience, (all, later, passes, inconclusiveFor) => {
        const decided = proof(all, passes, inconclusiveFor);
        const end = all.at(-1)?.at ?? 0;
        const longer = [...all, ...later.map(({ at, verdict }) => ({ at: end + at, verdict }))];
        if (decided.state !== 'proving') expect(proof(longer, passes, inconclusiveFor)).toEqual(decided);
      }),
    );
  });

  it('is unclear only after a run of inconclusive probes that lasts as long as the policy’s patience, and at the latest then', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 1, max: 1_000 }), { minLength: 1, maxLength: 20 }),
        needed,
        patience,
        (waits, passes, inconclusiveFor) => {
          let at = 0;
          const all = waits.map((wait) => ({ at: (at += wait), verdict: 'inconclusive' as const }));
          const lasted = at - (all[0]?.at ?? 0);
          expect(proof(all, passes, inconclusiveFor)).toEqual(
            lasted >= inconclusiveFor ? { state: 'unclear' } : { state: 'proving', passes: 0 },
          );
        },
      ),
    );
  });
});
