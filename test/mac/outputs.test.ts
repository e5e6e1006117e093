import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { identitySummary, parseFindIdentity } from '../../src/mac/find-identity.js';
import { keychainState, parseKeychainInfo, parseKeychainList } from '../../src/mac/keychains.js';

const TRANSCRIPTS = resolve(import.meta.dirname, '../../../shared/fixtures/transcripts');
/** A recorded output, without the line that names its source. */
function transcript(name: string): string {
  const text = readFileSync(`${TRANSCRIPTS}/${name}.txt`, 'utf8');
  return text.slice(text.indexOf('\n') + 1);
}

describe('outputs of `security`, as people recorded them', () => {
  it('find-identity: none', () => {
    expect(parseFindIdentity(transcript('find-identity-zero'))).toEqual([]);
  });

  it('find-identity without -v: each identity once, though it is listed twice', () => {
    expect(parseFindIdentity(transcript('find-identity-all-policies'))).toEqual([
      { sha1: '0bf089c1f4bbcf0d84dbb60e3d6baf29f950974f', label: 'iPhone Developer: Dave Kerr (D2TKYQF77R)', annotation: null },
      { sha1: '1878aac2f053ac1341069bed5a9ba5e0ab0f913d', label: 'iPhone Distribution: Dave Kerr (5TTNE9J58F)', annotation: null },
    ]);
  });

  it('an annotated row is listed, and is not usable (R4)', () => {
    const matching = transcript('find-identity-expired')
      .replace('  Valid identities only\n', '')
      .replace('identities found', 'valid identities found');
    const rows = parseFindIdentity(matching) ?? [];
    expect(rows.find((row) => row.annotation !== null)).toMatchObject({ annotation: 'CSSMERR_TP_CERT_EXPIRED' });
    expect(identitySummary(rows)).not.toContain('adc03b24');
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
    const rows = parseFindIdentity(transcript('find-identity-all-policies')) ?? [];
    expect(identitySummary([...rows].reverse())).toBe(identitySummary(rows));
    expect(identitySummary([...rows, ...rows])).toBe(identitySummary(rows));
  });
});
