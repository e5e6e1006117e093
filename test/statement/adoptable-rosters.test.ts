import { describe, expect, it } from 'vitest';
import { mustBeAdoptable } from '../../activities/roster/judge.js';
import type { Configuration } from '../../src/configuration/load.js';
import type { Roster } from '../../src/domain/roster.js';
import { rosterView, rostersToSign } from '../../src/presenters/roster.js';
import { canonicalDigest } from '../../src/statement/person.js';
import { Chain, DAY, NOW, roster } from './roster-chain.js';

const TWO = roster({ ada: {}, grace: {} });
const TAKEN = roster({ ada: {}, mallory: {} });
const begun = () => new Chain().then(TWO, { who: 'ada' }, { who: 'grace' });
const declaring = (declared: Roster): Configuration =>
  ({ roster: declared, topology: { installation: 'acme' }, policy: { tickets: { pattern: '.+' } } }) as unknown as Configuration;

describe('an adoption that a store is to take', () => {
  const adopting = (signedAt: number) => () => {
    const signed = begun().then(TAKEN, { who: 'ada', at: signedAt, change: { expiresAt: new Date(NOW + 60_000).toISOString() } });
    const adoption = signed.kept.steps[1]?.adoptions[0];
    if (adoption === undefined) throw new Error('nobody signed');
    return mustBeAdoptable(declaring(TAKEN), begun().kept, adoption, NOW).step.number;
  };

  it('is of the hour before: nobody shortens the 7 days (T2)', () => {
    expect(adopting(NOW - 3_600_000)()).toBe(2);
    expect(adopting(NOW - 3_600_001)).toThrow(/it is said to be of 2026-11-28T10:59:59.999Z/);
  });
});

it('whom an edit took off is asked to sign what follows it, and not the edit (T2)', () => {
  const { steps } = begun().then(TAKEN, { who: 'ada', at: NOW - DAY }).read;
  const digest = canonicalDigest(TWO);
  const view = rosterView(
    {
      ...{ installation: 'acme', digest, roster: TWO, lagging: [], approvals: 2, demandedBy: [], newest: null },
      standing: { kind: 'other', reason: 'changed' },
    },
    steps,
  );
  expect(rostersToSign(view, 'grace').map(({ number }) => number)).toEqual([3]);
});
