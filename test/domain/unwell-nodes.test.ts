import { describe, expect, it } from 'vitest';
import { unwellInWords, type UnwellNode } from '../../src/domain/unwell-nodes.js';

const nodes = (count: number, reason: string): UnwellNode[] =>
  Array.from({ length: count }, (_, index) => ({ node: `ams-build-${String(count - index).padStart(5, '0')}`, reason }));

describe('nodes that are not well, in words', () => {
  it('are told each by name, in the order of names, with all that is wrong', () => {
    const long = 'its profile is damaged; '.repeat(100);
    expect(unwellInWords([])).toEqual([]);
    expect(unwellInWords([{ node: 'b', reason: long }, { node: 'a', reason: 'it does not answer' }])).toEqual(['a: it does not answer', `b: ${long}`]); // prettier-ignore
    expect(unwellInWords(nodes(100, 'it does not answer'))).toHaveLength(100);
  });

  it('are counted from the hundred-and-first on, with where to see them', () => {
    const told = unwellInWords(nodes(10_000, 'it does not answer'));
    expect(told).toHaveLength(101);
    expect(told[0]).toBe('ams-build-00001: it does not answer');
    expect(told[99]).toBe('ams-build-00100: it does not answer');
    expect(told[100]).toBe('and 9900 more nodes are not well: see reseal node list');
    expect(unwellInWords(nodes(101, 'x')).at(-1)).toBe('and 1 more node is not well: see reseal node list');
  });

  it.each(['x', 'ü', '語', '👩‍💻'])(
    '10,000 of them, with reasons of any length in %j, fit into one payload as the record tells it',
    (letter) => {
      const reasons = unwellInWords(nodes(10_000, letter.repeat(3_000)));
      const event = { kind: 'outcome', text: ['refused', ...reasons].join(': '), data: { from: 'preflight', to: 'refused', reasons } };
      expect(Buffer.byteLength(JSON.stringify(event))).toBeLessThan(256 * 1024);
      expect(reasons[0]).toMatch(/^ams-build-00001: .+…$/);
      expect(JSON.stringify(reasons)).not.toContain('\\ud');
    },
  );

  it('do not change the list that they are told of', () => {
    const given = nodes(3, 'x');
    const before = [...given];
    unwellInWords(given);
    expect(given).toEqual(before);
  });
});
