import { describe, expect, it } from 'vitest';
import { ResealError } from '../../src/domain/errors.js';
import { parseManifest } from '../../src/manifest/parse.js';

const refusal = (text: string): unknown => {
  try {
    return parseManifest(new TextEncoder().encode(text));
  } catch (error) {
    return error;
  }
};

/** Longest that a refusal may take, in milliseconds. */
const PROMPTLY = 10_000;

describe('a manifest that is made to do harm is refused in words, at once', () => {
  it.each([
    ['lists in lists', '['.repeat(200_000) + ']'.repeat(200_000), 'profiles.json: this nests more than 64 levels deep'],
    ['lists in lists that never end', '['.repeat(200_000), 'nests more than 64 levels deep'],
    ['a line that is all brackets', `{"schemaVersion":1,"line":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 'nests more than 64 levels deep'],
    ['brackets in a text are none', `{"schemaVersion":1,"line":"${'['.repeat(500)}\\\\\\"["}`, 'line: found "[['],
    ['a million entries', `{"schemaVersion":1,"line":"a","certificates":{},"profiles":[${'{},'.repeat(1_000_000)}{}]}`, 'profiles: found 1000001 entries, expected at most 20000'],
    ['a million wrong texts', `{"schemaVersion":1,"line":"a","certificates":{},"profiles":[${'{},'.repeat(5_000)}{}]}`, ' more)'],
    ['forty megabytes', `{"schemaVersion":1,"line":"${'x'.repeat(40_000_000)}"}`, 'bytes, expected a manifest of at most 33554432'],
    ['a prototype', '{"__proto__":{"schemaVersion":1},"line":"a"}', 'schemaVersion: found nothing'],
  ])('%s', (_what, text, sentence) => {
    const began = performance.now();
    const error = refusal(text);
    expect(performance.now() - began).toBeLessThan(PROMPTLY);
    expect(error).toBeInstanceOf(ResealError);
    expect(error).toMatchObject({ code: 'MANIFEST_INVALID', message: expect.stringContaining(sentence) });
    expect((error as ResealError).details.length).toBeLessThanOrEqual(200);
  });
}); // prettier-ignore
