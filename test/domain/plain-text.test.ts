import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { notPlain, notPlainInLines } from '../../src/domain/plain-text.js';

describe('what people give as a name or a ticket', () => {
  it.each(['CHG-7', 'Změna č. 7', 'JIRA/ops #12: "now", 100%', '変更-7', '👩‍💻 7', 'שינוי 7', "o'neil@example.com", ' '])(
    'may be %j',
    (text) => {
      expect(notPlain(text)).toBeNull();
    },
  );

  it.each([
    ['CHG-7\0', 'U+0000'],
    ['CHG-7\n', 'U+000A'],
    ['CHG\t7', 'U+0009'],
    ['\u001b[31mCHG-7', 'U+001B'],
    ['CHG-7\u007f', 'U+007F'],
    ['CHG-7\u0085', 'U+0085'],
    ['CHG-7\u2028', 'U+2028'],
    ['\ud83d', 'U+D83D'],
    ['CHG-\u202e7', 'U+202E'],
  ])('is not %j', (text, found) => {
    expect(notPlain(text)).toBe(found);
  });

  it('may break lines and use tabs where it is a reason, and nothing else', () => {
    expect(notPlainInLines('archives fail:\r\n\ton every signer')).toBeNull();
    expect(notPlainInLines('a\nb\0')).toBe('U+0000');
  });

  it('is plain exactly when none of its characters is refused alone', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: fc.oneof(fc.string({ unit: 'binary', minLength: 1, maxLength: 1 }), fc.constantFrom('\0', '\u001b', 'a')) }),
        (text) => {
          expect(notPlain(text) === null).toBe(Array.from(text).every((character) => notPlain(character) === null));
        },
      ),
    );
  });
});
