import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { storableJson, storableText } from '../../src/ledger/storable.js';

const strange = fc.string({ unit: fc.constantFrom('a', '\\', '"', '\0', '\ud83d', '\ude00', '😀', 'u0000', 'ud800', 'é'), maxLength: 12 });

describe('what PostgreSQL is given', () => {
  it('holds neither NUL nor half of a pair, and everything else as it was', () => {
    fc.assert(
      fc.property(strange, (text) => {
        const stored = storableText(text);
        expect(stored).not.toMatch(/\0|\p{Surrogate}/u);
        if (!/\0|\p{Surrogate}/u.test(text)) expect(stored).toBe(text);
        expect(storableText(stored)).toBe(stored);
        expect(Array.from(stored).length).toBe(Array.from(text).length);
      }),
    );
  });

  it('is the same document with its texts made storable, keys too', () => {
    fc.assert(
      fc.property(strange, strange, (key, text) => {
        const stored = JSON.parse(storableJson({ list: [text], [`k${key}`]: 1 })) as object;
        expect(stored).toEqual({ list: [storableText(text)], [`k${storableText(key)}`]: 1 });
      }),
    );
  });
});
