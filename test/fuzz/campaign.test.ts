import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ResealError } from '../../src/domain/errors.js';
import { temporaryFolder } from '../setup/temporary-folder.js';
import { campaign, caseNumbered } from './campaign.js';
import { judge } from './judge.js';
import { reported } from './report.js';
import { bytesOf, textOf, tokens, type Target } from './target.js';
import { TARGETS } from './targets.js';

const reader = (run: (text: string) => void, mayThrow?: Target['mayThrow']): Target => ({
  ...{ name: 'reader', seeds: [bytesOf('a plain text'), bytesOf('[]')], tokens: tokens('[', '!!'), run: (input: Uint8Array) => run(textOf(input)) },
  ...(mayThrow === undefined ? {} : { mayThrow }),
}); // prettier-ignore
const held: Uint8Array[] = [];

describe('a campaign finds a reader that', () => {
  it.each([
    ['throws what it does not document', (text: string) => { if (text.includes('!!')) throw new Error('no'); }, /an error that is not documented: Error: no/],
    ['goes down a stack', function down(text: string): void { if (text.startsWith('[[')) down(text.includes('[[[[[[') ? text : ''); }, /an accident: RangeError: Maximum call stack/],
    ['takes long', (text: string) => { if (text.includes('!!!!!!')) for (const end = performance.now() + 400; performance.now() < end;); }, /it took \d/],
    ['talks to the console', (text: string) => { if (text.includes('!!')) console.error('a library says', text.length); }, /it printed "a library says \d+"/],
    ['keeps what it read', () => void held.push(Buffer.alloc(100_000, 1)), /MB are held on to/],
  ] as const)('%s', (_what, run, words) => {
    const failure = campaign(reader(run), { cases: 1_000, seed: 7, timeLimit: 50 });
    held.length = 0;
    expect(failure?.what).toMatch(words);
  });

  it('throws, by the same case with the same seed; the input is written to a file, as short as it fails', () => {
    const target = reader((text) => {
      if (text.includes('!!')) throw new TypeError('no');
    });
    const [first, second] = [campaign(target, { cases: 2_000, seed: 11 }), campaign(target, { cases: 2_000, seed: 11 })];
    expect([first?.path, first?.input]).toEqual([second?.path, second?.input]);
    expect(textOf(first!.input)).toBe('!!');
    const folder = temporaryFolder('reseal-fuzz');
    const words = reported(first!, folder);
    const [, file = ''] = /in (\S+): "!!"/.exec(words) ?? [];
    expect([words, readFileSync(file, 'utf8')]).toEqual([expect.stringContaining(`seed 11, case ${first!.path ?? ''}`), '!!']);
    expect(file.startsWith(join(folder, 'reader-11-'))).toBe(true);
    rmSync(folder, { recursive: true });
  });
}); // prettier-ignore

it('what is documented is no finding', () => {
  const refusing = reader((text) => { throw text.length > 5 ? new RangeError('too long') : new ResealError('USAGE', 'no'); }, (error) => error instanceof RangeError); // prettier-ignore
  expect(campaign(refusing, { cases: 500, seed: 3 })).toBeNull();
});

it('a case of a run is made again by its number alone, for a run that hangs in it', () => {
  const seen: Uint8Array[] = [];
  const target = { ...reader(() => undefined), run: (input: Uint8Array) => void seen.push(input) };
  campaign(target, { cases: 50, seed: 5 });
  // The seeds as they are come first.
  expect(Buffer.from(caseNumbered(target, 5, 31)).equals(seen[target.seeds.length + 31]!)).toBe(true);
});

it.each(TARGETS)('$name reads what its cases are made of', (target) => {
  expect(target.seeds.length).toBeGreaterThan(0);
  for (const seed of target.seeds) expect(judge(target, seed)).toBeNull();
});
