import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { unifiedDiff } from '../../src/presenters/unified-diff.js';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'reseal-diff-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What git makes of `before` with the diff. */
function applied(before: string, diff: string): string {
  const file = join(folder, 'README.md');
  writeFileSync(file, before);
  // The folder is no repository, whatever it lies in.
  execFileSync('git', ['apply', '--unidiff-zero', '--whitespace=nowarn', '-'], {
    cwd: folder,
    input: diff,
    env: { ...process.env, GIT_CEILING_DIRECTORIES: tmpdir() },
  });
  return readFileSync(file, 'utf8');
}

describe('a unified diff', () => {
  it('is what `git apply` makes the second text of, from the first', () => {
    const lines = fc.array(fc.constantFrom('a', 'b', 'c', '', '  d', '| x |'), { minLength: 1, maxLength: 24 });
    const text = fc.tuple(lines, fc.boolean()).map(([all, broken]) => all.join('\n') + (broken ? '\n' : ''));
    fc.assert(
      fc.property(text, text, (before, after) => {
        fc.pre(before !== after && before !== '' && after !== '');
        expect(applied(before, unifiedDiff(before, after, 'README.md'))).toBe(after);
      }),
      { numRuns: 60 },
    );
  });

  it('has the lines around a change, and a hunk for each change that is far from the others', () => {
    const before = Array.from({ length: 30 }, (_, index) => `line ${index + 1}\n`).join('');
    const after = before.replace('line 5\n', 'line five\n').replace('line 25\n', '');
    expect(unifiedDiff(before, after, 'README.md')).toBe(
      [
        '--- a/README.md',
        '+++ b/README.md',
        '@@ -2,7 +2,7 @@',
        ' line 2',
        ' line 3',
        ' line 4',
        '-line 5',
        '+line five',
        ' line 6',
        ' line 7',
        ' line 8',
        '@@ -22,7 +22,6 @@',
        ' line 22',
        ' line 23',
        ' line 24',
        '-line 25',
        ' line 26',
        ' line 27',
        ' line 28',
        '',
      ].join('\n'),
    );
  });

  it('of equal texts is empty', () => {
    expect(unifiedDiff('a\n', 'a\n', 'README.md')).toBe('');
  });

  it('of middles too long to compare is one replacement, and still applies', () => {
    const before = Array.from({ length: 2_100 }, (_, index) => `old ${index}\n`).join('');
    const after = Array.from({ length: 2_100 }, (_, index) => `new ${index}\n`).join('');
    expect(applied(`top\n${before}end\n`, unifiedDiff(`top\n${before}end\n`, `top\n${after}end\n`, 'README.md'))).toBe(
      `top\n${after}end\n`,
    );
  });
});
