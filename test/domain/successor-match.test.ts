import { describe, expect, it } from 'vitest';
import { composeTo } from '../../src/domain/manifest-changes.js';
import type { ManifestEntry } from '../../src/domain/manifest.js';
import { fits, type SuccessorCandidate } from '../../src/domain/successor.js';
import { matchSuccessors } from '../../src/domain/successor-match.js';
import { manifestProfile } from '../../src/manifest/assemble.js';
import { candidate, certificate, DAY, entryOf, manifest, NOW, profile, terms } from './successor-support.js';

const old = profile('1', { expiresAt: '2026-06-05T00:00:00Z' });
const entry = entryOf(old);
const from = manifest([entry]);
const soon = new Date(NOW + 20 * DAY).toISOString();

const match = (candidates: readonly SuccessorCandidate[], entries: readonly ManifestEntry[] = [entry], due = entries.slice(0, 1)) =>
  matchSuccessors({ from: manifest(entries), due, candidates, terms: terms() });

describe('a successor fits an entry (R1, R2)', () => {
  it('when team, bundle pattern, kind and platforms match and it lives beyond the window', () => {
    expect(fits(entry, candidate(profile('2', { platforms: ['iOS', 'xrOS'] })), from, terms())).toEqual({ fits: true });
  });

  it.each([
    ['another team', { team: 'AAAAAAAAAA' as typeof old.team }, /team is/],
    ['another bundle id', { appId: '9QK4T7XW2B.com.acme.other' }, /app id is/],
    ['a wildcard in place of the bundle id', { appId: '9QK4T7XW2B.com.acme.*' }, /app id is/],
    ['another kind', { kind: 'development' as const }, /kind is/],
    ['a platform less', { platforms: ['tvOS'] }, /iOS is missing/],
    ['a UUID in use with other bytes', { uuid: old.uuid }, /UUID is in use already with other bytes/],
    ['the very file in use', { uuid: old.uuid, sha256: old.sha256 }, /in use already$/],
    ['Xcode as its manager', { xcodeManaged: true }, /managed by Xcode/],
    ['too little life', { expiresAt: soon }, /20\.0 d from now; more than 21\.0 d/],
    ['a certificate with too little life', { certificates: [certificate('a', { notAfter: soon })] }, /none of its certificates/],
  ])('never with %s', (_, over, reason) => {
    expect(fits(entry, candidate(profile('2', over)), from, terms())).toEqual({ fits: false, reasons: [expect.stringMatching(reason)] });
  });

  it('only for the holder and variant of its folder', () => {
    const fit = fits(entry, candidate(profile('2'), { holder: 'ams-1', variant: 'beta' }), from, terms());
    expect(fit).toEqual({ fits: false, reasons: ['variant is "beta", needed is none', 'holder is "ams-1", needed is none'] });
  });

  it('says every reason at once', () => {
    const fit = fits(entry, candidate(profile('2', { kind: 'ad-hoc', platforms: [], expiresAt: soon })), from, terms());
    expect(fit).toMatchObject({ fits: false, reasons: { length: 3 } });
  });

  it('compares expiry with the offset of a rehearsal (R8)', () => {
    const late = { ...terms(), offset: 290 * DAY };
    expect(fits(entry, candidate(profile('2')), from, late).fits).toBe(false);
  });
});

describe('matching successors to due entries (R1)', () => {
  it('takes an entry of one node and variant to the manifest, by the key that it names it by', () => {
    const own = { ...entry, holder: 'ams-1' as NonNullable<ManifestEntry['holder']>, variant: 'beta' };
    const next = profile('2');
    const [matched] = match([candidate(next, { holder: 'ams-1', variant: 'beta' })], [own]).entries;
    expect(matched).toMatchObject({ outcome: 'matched', entry: own });
    const [missing] = match([], [own]).entries;
    const key = /^no successor for (.+) \(now /.exec(missing?.outcome === 'missing' ? missing.reason : '')?.[1] ?? '';
    expect(key).toBe(`${own.team} ${own.bundleId} ${own.method} variant beta on ams-1`);
    const to = composeTo(manifest([own]), [{ key, identity: own.identity, profile: manifestProfile(next) }], {});
    expect(to.profiles).toMatchObject([{ holder: 'ams-1', variant: 'beta', profile: { uuid: next.uuid } }]);
  });

  it('is of kind profile where the identity stays', () => {
    const result = match([candidate(profile('2'))]);
    expect(result).toMatchObject({ kind: 'profile', complete: true, entries: [{ outcome: 'matched', identity: entry.identity }] });
  });

  it('refuses two that fit, naming both, unless one is chosen', () => {
    const two = [candidate(profile('2')), candidate(profile('3'))];
    const result = match(two);
    expect(result.complete).toBe(false);
    expect(result.entries).toEqual([
      expect.objectContaining({ outcome: 'ambiguous', reason: expect.stringMatching(/22222222.*33333333/) }),
    ]);
    const chosen = matchSuccessors({ from, due: [entry], candidates: two, terms: terms(), chosen: [profile('3').uuid] });
    expect(chosen).toMatchObject({
      complete: true,
      entries: [{ candidate: { profile: { name: 'Courier 3' } } }],
      ignored: [{ reasons: ['another one was chosen'] }],
    });
  });

  it('does not pass over a choice that fits nothing', () => {
    const chosen = matchSuccessors({
      from,
      due: [entry],
      candidates: [candidate(profile('2'))],
      terms: terms(),
      chosen: [profile('9').uuid],
    });
    expect(chosen).toMatchObject({ complete: false, unusedChoices: [{ reason: 'no candidate has this UUID' }] });
  });

  it('takes one file in two places for one candidate', () => {
    expect(match([candidate(profile('2')), candidate(profile('2'), { source: 'match' })]).complete).toBe(true);
  });

  it('replaces every entry of an identity when one successor brings a new certificate', () => {
    const extension = entryOf(profile('4', { appId: '9QK4T7XW2B.com.acme.courier.notify', bundleId: 'com.acme.courier.notify' }));
    const renewed = { certificates: [certificate('b')] };
    const first = match([candidate(profile('2', renewed))], [entry, extension]);
    expect(first).toMatchObject({
      kind: 'certificate',
      complete: false,
      entries: [{ outcome: 'matched' }, { outcome: 'missing', entry: { bundleId: 'com.acme.courier.notify' } }],
    });
    const both = match(
      [candidate(profile('2', renewed)), candidate(profile('5', { ...renewed, appId: extension.profile.appId }))],
      [entry, extension],
    );
    expect(both).toMatchObject({
      kind: 'certificate',
      complete: true,
      entries: [{ identity: certificate('b').sha1 }, { identity: certificate('b').sha1 }],
    });
  });

  it('refuses successors of one identity that share no certificate', () => {
    const extension = entryOf(profile('4', { appId: '9QK4T7XW2B.x' }), { bundleId: 'x' });
    const result = match(
      [
        candidate(profile('2', { certificates: [certificate('b')] })),
        candidate(profile('5', { appId: '9QK4T7XW2B.x', certificates: [certificate('c')] })),
      ],
      [entry, extension],
    );
    expect(result.entries.map((one) => one.outcome)).toEqual(['ambiguous', 'ambiguous']);
    expect(result.complete).toBe(false);
  });

  it('takes the newest of several new certificates of the same name, and refuses to guess between strangers', () => {
    const newer = certificate('c', { notBefore: '2026-05-30T00:00:00Z' });
    expect(match([candidate(profile('2', { certificates: [certificate('b'), newer] }))]).entries).toMatchObject([
      { outcome: 'matched', identity: newer.sha1 },
    ]);
    const strangers = [certificate('b', { commonName: 'Alice' }), certificate('c', { commonName: 'Bob' })];
    expect(match([candidate(profile('2', { certificates: strangers }))]).entries).toMatchObject([
      { outcome: 'ambiguous', reason: expect.stringContaining('"Alice"') },
    ]);
  });

  it('drops an identity that would be due again at once, though the successor still embeds it', () => {
    const dying = certificate('a', { notAfter: soon });
    const result = match([candidate(profile('2', { certificates: [dying, certificate('b')] }))]);
    expect(result).toMatchObject({ kind: 'certificate', entries: [{ identity: certificate('b').sha1 }] });
  });

  it('has no kind and is not complete while nothing is there', () => {
    expect(match([])).toMatchObject({ kind: null, complete: false, entries: [{ outcome: 'missing' }], ignored: [] });
  });
});
