import { describe, expect, it } from 'vitest';
import type { Sha256 } from '../../src/domain/brands.js';
import type { PinnedApprovers } from '../../src/domain/node/approved.js';
import type { Roster } from '../../src/domain/roster.js';
import { canonicalDigest } from '../../src/statement/person.js';
import { approversIn, pinsAlong } from '../../src/statement/pinned-rosters.js';
import { Chain, roster } from './roster-chain.js';

const TWO = roster({ ada: {}, grace: {} });
const WITH_TRUDY = roster({ ada: {}, grace: {}, trudy: {} });
const WITHOUT_ADA = roster({ grace: {}, trudy: {} });
const pinned = (of: Roster): PinnedApprovers => ({
  ...{ schemaVersion: 1, installation: 'acme', keys: approversIn(of), needed: 2, canary: [] },
  roster: canonicalDigest(of),
});
const begun = () => new Chain().then(TWO, { who: 'ada' });
const persons = (document: unknown, pins = pinned(TWO)) =>
  pinsAlong(document, pins).map(({ keys, number }) => [number ?? 0, Object.keys(keys).join(' ')]);
const STAYS = [[0, 'ada grace']];

describe('a machine whose approvers are pinned (T2, T6)', () => {
  it('follows rosters that as many of those before have adopted as it needs, one after another', () => {
    const chain = begun().then(WITH_TRUDY, { who: 'ada' }, { who: 'grace' }).then(WITHOUT_ADA, { who: 'grace' }, { who: 'trudy' });
    expect(persons(chain.kept)).toEqual([...STAYS, [2, 'ada grace trudy'], [3, 'grace trudy']]);
  });

  it.each<[string, Chain]>([
    ['by one of them alone, however long ago', begun().then(WITH_TRUDY, { who: 'ada' })],
    ['by one of them twice', begun().then(WITH_TRUDY, { who: 'ada' }, { who: 'ada' })],
    ['by one of them and a person whom it adds', begun().then(WITH_TRUDY, { who: 'ada' }, { who: 'trudy' })],
    ['by persons of the new roster only', begun().then(roster({ mallory: {}, trudy: {} }), { who: 'mallory' }, { who: 'trudy' })],
    [
      'for another installation',
      begun().then(WITH_TRUDY, { who: 'ada', change: { installation: 'other' } }, { who: 'grace', change: { installation: 'other' } }),
    ],
    ['under another number', begun().then(WITH_TRUDY, { who: 'ada', change: { number: 7 } }, { who: 'grace', change: { number: 7 } })],
    [
      'after another roster',
      begun().then(
        WITH_TRUDY,
        { who: 'ada', change: { previous: null } },
        { who: 'grace', change: { previous: 'a'.repeat(64) as Sha256 } },
      ),
    ],
    ['with fewer approvers than it needs', begun().then(roster({ ada: {} }), { who: 'ada' }, { who: 'grace' })],
  ])('stays with them where the next roster was adopted %s', (_, chain) => {
    expect(persons(chain.kept)).toEqual(STAYS);
  });

  it('goes over no step that it may not follow', () => {
    const chain = begun().then(WITH_TRUDY, { who: 'ada' }).then(WITHOUT_ADA, { who: 'ada' }, { who: 'grace' });
    expect(persons(chain.kept)).toEqual(STAYS);
  });

  it('never goes back: neither to a roster of before, nor where a store has forgotten what came after', () => {
    const chain = begun().then(WITH_TRUDY, { who: 'ada' }, { who: 'grace' });
    const newest = pinsAlong(chain.kept, pinned(TWO)).at(-1) ?? pinned(TWO);
    expect(pinsAlong(begun().kept, newest)).toEqual([newest]);
    expect(pinsAlong(chain.kept, newest)).toEqual([newest]);
    // Adopted anew an old roster is a new one, with a number of its own.
    const anew = chain.then(TWO, { who: 'ada' }, { who: 'grace' });
    expect(persons(anew.kept, newest)).toEqual([
      [2, 'ada grace trudy'],
      [3, 'ada grace'],
    ]);
    expect(pinsAlong(anew.kept, { ...newest, number: 3 })).toHaveLength(1);
  });

  it('stays with those whom an earlier version pinned, and where nothing of use is kept', () => {
    const { roster: _, ...before } = pinned(TWO);
    const chain = begun().then(WITH_TRUDY, { who: 'ada' }, { who: 'grace' });
    expect(persons(chain.kept, before)).toEqual(STAYS);
    for (const junk of [null, 7, {}, { steps: {} }, { steps: [null, { roster: 1 }] }]) expect(persons(junk)).toEqual(STAYS);
  });
});
