import { describe, expect, it } from 'vitest';
import { notAdopted } from '../../activities/roster/standing.js';
import { ALONE_FOR, rosterStanding, together, uncountedAt } from '../../src/domain/adopted-rosters.js';
import type { Sha256 } from '../../src/domain/brands.js';
import type { Roster } from '../../src/domain/roster.js';
import { adoptedRosters, keptRosters } from '../../src/statement/adopted-rosters.js';
import { canonicalDigest } from '../../src/statement/person.js';
import { Chain, DAY, NOW, roster } from './roster-chain.js';

const TWO = roster({ ada: {}, grace: {} });
const MORE = roster({ ada: {}, grace: {}, mallory: {}, trudy: {} });
const underOtherComments = (one: Roster): Roster => ({
  ...one,
  persons: one.persons.map((person) => ({
    ...person,
    keys: person.keys.map(({ kind, public: line }) => ({ kind, public: `${line.split(' ').slice(0, 2).join(' ')} other` })),
  })),
});
const begun = () => new Chain().then(TWO, { who: 'ada' }, { who: 'grace' });
const outOf = (chain: Chain, now = NOW) =>
  uncountedAt(chain.read.steps, now).map(({ person, as, keys }) => [person, as, keys?.length ?? 'all']);

describe('what counts of the rosters that a store keeps', () => {
  it('is what people of the roster before have signed, in order', () => {
    const { steps, reasons } = begun().then(MORE, { who: 'grace' }).read;
    expect(steps.map(({ number, signers }) => [number, signers.map(({ person }) => person)])).toEqual([
      [1, ['ada', 'grace']],
      [2, ['grace']],
    ]);
    expect(reasons).toEqual([]);
  });

  it.each<[string, (chain: Chain) => Chain, RegExp]>([
    [
      'signed by a person of the new roster alone',
      (chain) => chain.then(MORE, { who: 'mallory' }),
      /mallory is nobody whom roster 1 lets approve/,
    ],
    [
      'of another installation',
      (chain) => chain.then(MORE, { who: 'ada', change: { installation: 'other' } }),
      /ada has adopted a roster of other, and this is acme/,
    ],
    [
      'of another number, as one that is played again',
      (chain) => chain.then(MORE, { who: 'ada', change: { number: 1 } }),
      /another roster than roster 2/,
    ],
    [
      'of another roster before',
      (chain) => chain.then(MORE, { who: 'ada', change: { previous: 'a'.repeat(64) as Sha256 } }),
      /another roster than roster 2/,
    ],
    [
      'of another content',
      (chain) => chain.then(MORE, { who: 'ada', change: { roster: 'a'.repeat(64) as Sha256 } }),
      /another roster than roster 2/,
    ],
    [
      'with more in it than is understood',
      (chain) => chain.then(MORE, { who: 'ada', change: { extra: 1 } as never }),
      /no signed statement/,
    ],
    [
      'signed with a key that its person has only on the new roster',
      (chain) => chain.then(roster({ ada: { keys: ['ada', 'ada-new'] }, grace: {} }), { who: 'ada-new' }),
      /is no key of ada on roster 1 that counts/,
    ],
  ])('is not an adoption %s (T2)', (_, attacked, reason) => {
    const { steps, reasons } = attacked(begun()).read;
    expect(steps).toHaveLength(1);
    expect(reasons.join()).toMatch(reason);
  });

  it('ends at the first that nobody adopted, and is nothing where it has no form', () => {
    const chain = begun().then(MORE).then(TWO, { who: 'ada' });
    expect(chain.read.steps).toHaveLength(1);
    expect(keptRosters(chain.kept, 'acme').steps).toHaveLength(1);
    for (const junk of [
      null,
      7,
      'x',
      [],
      { steps: {} },
      { steps: [null] },
      { steps: [{ roster: {}, adoptions: 1 }] },
      { steps: [{ roster: TWO, adoptions: [null, { statement: 1 }] }] },
    ])
      expect(adoptedRosters(junk, 'acme').steps).toEqual([]);
  });
});

describe('an edit that one person alone adopted', () => {
  const alone = (at: number) => begun().then(MORE, { who: 'ada', at });

  it('does not count for its editor, nor for anybody it added, for 7 days (T2)', () => {
    expect(outOf(alone(NOW - ALONE_FOR + 1))).toEqual([
      ['ada', 'editor', 'all'],
      ['mallory', 'added', 'all'],
      ['trudy', 'added', 'all'],
    ]);
    expect(outOf(alone(NOW - ALONE_FOR))).toEqual([]);
  });

  it('counts at once when a second person of the roster before signs it, and not by anybody it added (T2)', () => {
    expect(outOf(begun().then(MORE, { who: 'ada', at: NOW }, { who: 'grace', at: NOW }))).toEqual([]);
    expect(outOf(begun().then(MORE, { who: 'ada', at: NOW }, { who: 'mallory', at: NOW }))).toHaveLength(3);
    expect(outOf(begun().then(MORE, { who: 'ada', at: NOW }, { who: 'ada', at: NOW }))).toHaveLength(3);
  });

  it('counts no more by a further edit that is signed by two, who were shown only that one (T2)', () => {
    const chain = alone(NOW - DAY).then(roster({ ada: {}, grace: {}, mallory: {} }), { who: 'ada', at: NOW }, { who: 'grace', at: NOW });
    expect(outOf(chain)).toContainEqual(['mallory', 'added', 'all']);
  });

  it('lets nobody whom it added adopt the next one while it is young (T2)', () => {
    expect(alone(NOW - DAY).then(TWO, { who: 'mallory', at: NOW }).read.steps).toHaveLength(2);
    expect(alone(NOW - 8 * DAY).then(TWO, { who: 'mallory', at: NOW }).read.steps).toHaveLength(3);
  });

  it('lets no key that it gave adopt the next one, under whatever comment the key stands by then (T2)', () => {
    const given = roster({ ada: {}, grace: { keys: ['grace', 'mallory'] } });
    const { steps, reasons } = begun()
      .then(given, { who: 'ada', at: NOW - DAY })
      .then(underOtherComments(given), { who: 'ada', at: NOW - DAY })
      .then(MORE, { who: 'ada', at: NOW }, { who: 'mallory', at: NOW, change: { person: 'grace' as never } }).read;
    expect(steps.map(({ signers }) => signers.length)).toEqual([2, 1, 1, 1]);
    expect(reasons.join()).toMatch(/is no key of grace on roster 3 that counts/);
  });

  it('shuts nobody out: whom it took off, or gave another key, takes it back, and by two at once (T2)', () => {
    for (const taken of [roster({ ada: {}, mallory: {} }), roster({ ada: {}, grace: { keys: ['mallory'] } })]) {
      const back = (...who: readonly ('grace' | 'ada')[]) =>
        begun()
          .then(taken, { who: 'ada', at: NOW - DAY })
          .then(roster({ ada: {}, trudy: {} }), { who: 'ada', at: NOW - DAY })
          .then(TWO, ...who.map((one) => ({ who: one, at: NOW })));
      expect(back('grace').read.steps).toHaveLength(4);
      expect(outOf(back('grace', 'ada'))).not.toContainEqual(['grace', 'added', 'all']);
    }
  });

  it('shuts them out when it is old, or by two', () => {
    const taken = roster({ ada: {}, mallory: {} });
    expect(
      begun()
        .then(taken, { who: 'ada', at: NOW - 8 * DAY })
        .then(TWO, { who: 'grace', at: NOW }).read.steps,
    ).toHaveLength(2);
    const byTwo = begun().then(taken, { who: 'ada', at: NOW - DAY }, { who: 'grace', at: NOW - DAY });
    expect(byTwo.then(TWO, { who: 'grace', at: NOW }).read.steps).toHaveLength(2);
  });

  it('stays taken back when a second person signs it later', () => {
    const chain = begun()
      .then(roster({ ada: {}, mallory: {} }), { who: 'ada', at: NOW - DAY }, { who: 'grace', at: NOW + DAY })
      .then(TWO, { who: 'grace', at: NOW });
    expect(chain.read.steps).toHaveLength(3);
  });

  it('gives no right, and no key beside those of before, that counts', () => {
    const before = new Chain().then(roster({ ada: {}, grace: {}, mallory: { roles: ['guests'] } }), { who: 'ada' }, { who: 'grace' });
    expect(outOf(before.then(roster({ ada: {}, grace: {}, mallory: {} }), { who: 'ada', at: NOW }))).toContainEqual([
      'mallory',
      'added',
      'all',
    ]);
    const added = begun().then(roster({ ada: {}, grace: { keys: ['grace', 'mallory'] } }), { who: 'ada', at: NOW });
    expect(outOf(added)).toContainEqual(['grace', 'added', 1]);
    const replaced = begun().then(roster({ ada: {}, grace: { keys: ['mallory'] } }), { who: 'ada', at: NOW });
    expect(outOf(replaced)).toContainEqual(['grace', 'added', 'all']);
  });

  it('is, of the first roster, everybody on it', () => {
    expect(outOf(new Chain().then(TWO, { who: 'ada', at: NOW })).map(([person]) => person)).toEqual(['ada', 'grace']);
  });
});

describe('the roster of now', () => {
  const digest = canonicalDigest(MORE);

  it('has to be adopted where everybody signs; where names count, once somebody has adopted one', () => {
    const never = rosterStanding([], digest, NOW);
    expect(notAdopted(never, 'signature')).toContain(
      'ROSTER_NOT_ADOPTED: nobody has adopted a roster of this installation yet; adopt roster.yaml: reseal roster adopt',
    );
    expect(notAdopted(never, 'name')).toBeNull();
    const other = rosterStanding(begun().read.steps, digest, NOW);
    for (const assurance of ['signature', 'name'] as const)
      expect(notAdopted(other, assurance)).toContain('roster.yaml has changed since ada and grace adopted roster 1');
    const adopted = rosterStanding(begun().then(MORE, { who: 'ada' }).read.steps, digest, NOW);
    for (const assurance of ['signature', 'name'] as const) expect(notAdopted(adopted, assurance)).toBeNull();
  });

  it('is an old one where somebody brought that back, and so not adopted (T2)', () => {
    const { steps } = begun().then(MORE, { who: 'ada' }, { who: 'grace' }).read;
    expect(rosterStanding(steps, canonicalDigest(TWO), NOW)).toMatchObject({
      kind: 'other',
      reason: expect.stringContaining('it is roster 1 again'),
    });
  });
});

describe('what several stores keep', () => {
  it('goes together where one only lags behind, and not where one has another roster in a place', () => {
    const long = begun().then(MORE, { who: 'ada' }).kept;
    const short = new Chain().then(TWO, { who: 'ada' }).kept;
    for (const both of [together(long, short, canonicalDigest), together(short, long, canonicalDigest)]) expect(both).toEqual(long);
    expect(together(long, new Chain().then(MORE, { who: 'ada' }).kept, canonicalDigest)).toBeNull();
  });
});
