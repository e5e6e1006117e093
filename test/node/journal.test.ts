import { expect, it } from 'vitest';
import { parseJournal } from '../../activities/node/index.js';

const ENTRY = {
  seq: 1,
  at: 1,
  line: 'ios-main',
  rotation: 'ios-main-1',
  epoch: 1000,
  opId: 'a',
  attempt: 1,
  phase: 'intent',
  do: 'x',
  subject: 'y',
  changed: false,
};

it('lines of a journal that no reseal has written are passed over, and those beside them are read', () => {
  const strangers = ['null', '5', '"x"', '[]', '{}', '{"seq":', '['.repeat(200_000), JSON.stringify({ ...ENTRY, seq: '1' }), JSON.stringify({ ...ENTRY, epoch: null })];
  const more = [JSON.stringify({ ...ENTRY, token: 7 }), JSON.stringify({ ...ENTRY, phase: 'result?' }), JSON.stringify({ ...ENTRY, line: ['ios-main'] })];
  const text = [JSON.stringify(ENTRY), ...strangers, ...more, JSON.stringify({ ...ENTRY, seq: 2 }), ''].join('\n');
  expect(parseJournal(text).map(({ seq }) => seq)).toEqual([1, 2]);
}); // prettier-ignore
