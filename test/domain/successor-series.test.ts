import { describe, expect, it } from 'vitest';
import { compareSuccessor } from '../../src/domain/successor.js';
import { matchSuccessors } from '../../src/domain/successor-match.js';
import { APPLE_ROOTS, verifyProfile } from '../../src/profile/index.js';
import { APPLE_PROFILES, appleProfile } from '../profile/support.js';
import { candidate, entryOf, manifest, terms } from './successor-support.js';

type Name = (typeof APPLE_PROFILES)[number];
const read = (name: Name) => verifyProfile(appleProfile(name), { roots: APPLE_ROOTS }).profile;

function onDay(day: string, inUse: readonly Name[], dropped: readonly Name[]) {
  const profiles = inUse.map(read);
  const entries = profiles.map((one) => entryOf(one));
  const from = manifest(
    entries,
    profiles.flatMap((one) => one.certificates),
  );
  return matchSuccessors({
    from,
    due: entries,
    candidates: dropped.map((name) => candidate(read(name))),
    terms: terms(Date.parse(`${day}T00:00:00Z`)),
  });
}

describe("the series of profiles among Apple's own files (R1)", () => {
  it('refuses on 2024-02-18 a folder with both successors of 2746d535, naming both', () => {
    const result = onDay('2024-02-18', ['2746d535'], APPLE_PROFILES);
    expect(result).toMatchObject({
      complete: false,
      entries: [{ outcome: 'ambiguous', reason: expect.stringMatching(/c3e20987.*e921776a/) }],
    });
    expect(result.ignored.map((one) => [one.candidate.profile.uuid.slice(0, 8), one.reasons.join()])).toEqual([
      ['a0b45501', expect.stringContaining('expires 2024-02-21')],
      ['2746d535', expect.stringContaining('in use already')],
      ['b41c7318', expect.stringContaining('com.jigx.test2')],
    ]);
  });

  it('takes c3e20987 alone for it, with a new certificate', () => {
    const result = onDay('2024-02-18', ['2746d535'], ['c3e20987']);
    expect(result).toMatchObject({
      kind: 'certificate',
      complete: true,
      entries: [{ outcome: 'matched', identity: expect.stringMatching(/^2ed916f3/) }],
    });
    expect(compareSuccessor(read('2746d535'), read('c3e20987'), Date.parse('2024-02-18T00:00:00Z')).filter((one) => !one.ok)).toEqual([]);
  });

  it.each<[Name]>([['c3e20987'], ['e921776a']])('finds no successor of %s among the files on 2024-06-23', (name) => {
    const result = onDay('2024-06-23', [name], APPLE_PROFILES);
    expect(result).toMatchObject({ kind: null, complete: false, entries: [{ outcome: 'missing' }], ignored: { length: 5 } });
  });
});
