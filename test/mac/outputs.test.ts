import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { identitySummary, parseFindIdentities, parseFindIdentity } from '../../src/mac/find-identity.js';
import { flagsOfMount } from '../../src/mac/host-settings.js';
import { keychainState, parseKeychainInfo, parseKeychainInfos, parseKeychainList } from '../../src/mac/keychains.js';

const TRANSCRIPTS = resolve(import.meta.dirname, '../../../shared/fixtures/transcripts');
/** A recorded output, without the line that names its source. */
function transcript(name: string): string {
  const text = readFileSync(`${TRANSCRIPTS}/${name}.txt`, 'utf8');
  return text.slice(text.indexOf('\n') + 1);
}

describe('outputs of `security`, as people recorded them', () => {
  const none = '\nPolicy: Code Signing\n  Matching identities\n     0 identities found\n\n  Valid identities only\n';

  it('find-identity: none; what -v prints alone is the part about valid ones, to the byte', () => {
    const zero = transcript('find-identity-zero');
    expect(parseFindIdentity(none + zero)).toEqual({ matching: [], valid: [], rawValid: zero });
    expect(parseFindIdentity(zero)).toBeNull();
  });

  it('find-identity: what matches, and what of it is valid', () => {
    const rows = [
      { sha1: '0bf089c1f4bbcf0d84dbb60e3d6baf29f950974f', label: 'iPhone Developer: Dave Kerr (D2TKYQF77R)', annotation: null },
      { sha1: '1878aac2f053ac1341069bed5a9ba5e0ab0f913d', label: 'iPhone Distribution: Dave Kerr (5TTNE9J58F)', annotation: null },
    ];
    expect(parseFindIdentity(transcript('find-identity-all-policies'))).toMatchObject({ matching: rows, valid: rows });
  });

  it('an expired identity matches, says so, and is not among the valid ones (R4)', () => {
    const { matching, valid } = parseFindIdentity(transcript('find-identity-expired')) ?? { matching: [], valid: [] };
    expect(matching.map((row) => row.annotation)).toEqual([null, 'CSSMERR_TP_CERT_EXPIRED', null]);
    expect(valid.map((row) => row.annotation)).toEqual([null, null]);
    expect(identitySummary(matching)).toBe(identitySummary(valid));
  });

  it('list-keychains and the three forms of show-keychain-info', () => {
    expect(parseKeychainList(transcript('list-keychains'))).toEqual([
      '/Users/travis/Library/Keychains/login.keychain',
      '/Library/Keychains/System.keychain',
    ]);
    expect(transcript('show-keychain-info').trim().split('\n').map(parseKeychainInfo)).toEqual([
      { lockOnSleep: true, timeout: 300 },
      { lockOnSleep: true, timeout: 21_600 },
      { lockOnSleep: false, timeout: null },
    ]);
    expect([0, 36, 50, 49, 1].map(keychainState)).toEqual(['unlocked', 'locked', 'missing', 'not-a-keychain', 'unknown']);
  });

  it('several answers of one `security -i` are told apart, in their order; one that is none spoils them all', () => {
    const [first = '', ...others] = transcript('show-keychain-info').trimEnd().split('\n');
    const failed = 'security: SecKeychainCopySettings /k: User interaction is not allowed.\nshow-keychain-info: returned -25308';
    const gone = 'security: SecKeychainCopySettings /g: The specified keychain could not be found.\nshow-keychain-info: returned -25294';
    expect(parseKeychainInfos(`${[first, failed, ...others, gone].join('\n')}\n`)).toEqual([
      { state: 'unlocked', info: { lockOnSleep: true, timeout: 300 } },
      { state: 'locked', info: null },
      { state: 'unlocked', info: { lockOnSleep: true, timeout: 21_600 } },
      { state: 'unlocked', info: { lockOnSleep: false, timeout: null } },
      { state: 'missing', info: null },
    ]);
    expect(parseKeychainInfos(`${first}\nshow-keychain-info: returned 1\n`)).toBeNull();
    expect(parseKeychainInfos(`${first}\nKeychain "x" something new\n`)).toBeNull();
    const [all, expired, zero] = [transcript('find-identity-all-policies'), transcript('find-identity-expired'), none + transcript('find-identity-zero')]; // prettier-ignore
    expect(parseFindIdentities(all + zero + expired)).toEqual([all, zero, expired].map(parseFindIdentity));
    expect(parseFindIdentities(`${all}hello\n${zero}`)?.length).not.toBe(3);
    expect(parseFindIdentities(all + zero.slice(0, -8))).toBeNull();
  });

  it('whatever is no such output is no answer, and nothing in it makes them fail', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 400 }), (text) => {
        expect(parseFindIdentity(text)).toBeNull();
        parseKeychainList(text);
        parseKeychainInfo(text);
      }),
    );
  });

  it('the sorted summary does not depend on the order of the search list, nor on duplicates', () => {
    const rows = parseFindIdentity(transcript('find-identity-all-policies'))?.valid ?? [];
    expect(rows).toHaveLength(2);
    expect(identitySummary([...rows].reverse())).toBe(identitySummary(rows));
    expect(identitySummary([...rows, ...rows])).toBe(identitySummary(rows));
  });
});

describe('an output that is made to keep its reader busy', () => {
  it.each([
    ['a megabyte of mount points on one line', ' on /'.repeat(200_000)],
    ['brackets after each of them', ' on /x ('.repeat(125_000)],
    ['a megabyte of blanks', ' '.repeat(1_000_000)],
  ])('%s is read at once', (_what, text) => {
    const began = performance.now();
    expect(flagsOfMount(`${text}\n/dev/disk4 on /Volumes/reseal (apfs, read-only)`, '/Volumes/reseal/mount')).toEqual([
      'apfs',
      'read-only',
    ]);
    parseFindIdentity(text);
    parseKeychainInfos(text);
    expect(performance.now() - began).toBeLessThan(5_000);
  });

  it('a mount point may hold what stands between the parts of a line', () => {
    expect(flagsOfMount('server:/a on b on /Volumes/a (b) on c (nfs, read-only)', '/Volumes/a (b) on c/x')).toEqual(['nfs', 'read-only']);
    expect(flagsOfMount('/dev/disk3s1s1 on / (apfs, sealed)', '/Volumes/x')).toBeNull();
  });
});
