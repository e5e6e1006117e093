import { describe, expect, it } from 'vitest';
import type { Sha256 } from '../../src/domain/brands.js';
import { nodeDiff } from '../../src/presenters/node-diff.js';
import { nodeDiffText } from '../../src/presenters/node-text.js';
import type { NodeLineView, NodeView } from '../../src/presenters/node.js';

const digest = (letter: string): Sha256 => letter.repeat(64) as Sha256;
const A = 'a'.repeat(64);
const B = 'b'.repeat(64);
const line = (change: Partial<NodeLineView> = {}): NodeLineView => ({
  line: 'ios-main',
  verdict: 'pass',
  active: A,
  onHead: true,
  accepted: [A],
  epoch: 1000,
  seenAt: '2026-03-01T09:00:00.000Z',
  problems: [],
  findings: [],
  identities: { raw: digest('c'), sorted: digest('d'), usable: 1 },
  pins: null,
  reason: '',
  ...change,
});
const node = (name: string, lines: readonly NodeLineView[], change: Partial<NodeView> = {}): NodeView => ({
  name,
  region: 'eu-west',
  pool: 'main',
  roles: ['signer', 'compile'],
  environment: 'production',
  image: 'tahoe-26.1-b4',
  keys: 'allowed',
  reach: 'ssh reseal@10.1.0.13:22',
  lines,
  ...change,
});
const pen = {
  styled: (text: string) => text,
  time: () => '',
  table: (heading: readonly string[], rows: readonly (readonly unknown[])[]) => [heading, ...rows].map((row) => row.join(' | ')),
};

describe('two nodes compared (S10)', () => {
  it('do not differ in name, region, way and time, nor in the order of things', () => {
    const other = node('iad-sign-1', [line({ seenAt: null, epoch: 2000, accepted: [B, A] })], {
      region: 'us-east',
      reach: 'agent',
      roles: ['compile', 'signer'],
    });
    const view = nodeDiff(node('ams-sign-1', [line({ accepted: [A, B] })]), other);
    expect(view).toEqual({ schemaVersion: 1, nodes: ['ams-sign-1', 'iad-sign-1'], differences: [] });
    expect(nodeDiffText(view, pen)).toEqual(['ams-sign-1 and iad-sign-1 do not differ']);
  });

  it('each difference that a build may feel is named, with what each of them has; an identity summary by its beginning', () => {
    const other = node(
      'iad-sign-1',
      [
        line({
          active: B,
          identities: { raw: digest('c'), sorted: digest('e'), usable: 0 },
          verdict: 'fail',
          problems: [{ check: 'identities', verdict: 'fail', reason: 'x' }],
        }),
        line({ line: 'tv-main', identities: null }),
      ],
      { image: 'tahoe-26.2' },
    );
    const view = nodeDiff(node('ams-sign-1', [line()]), other);
    expect(view.differences.map(({ line: of, what }) => `${of} ${what}`)).toEqual([
      ' image',
      'ios-main verdict',
      'ios-main active manifest',
      'ios-main usable identities',
      'ios-main identity summary',
      'ios-main checks that do not pass',
      'tv-main verdict',
      'tv-main active manifest',
      'tv-main accepted manifests',
    ]);
    const text = nodeDiffText(view, pen);
    expect(text[0]).toBe(' | LINE | AMS-SIGN-1 | IAD-SIGN-1');
    expect(text).toContain(`identity summary | ios-main | ${'d'.repeat(12)} | ${'e'.repeat(12)}`);
    expect(text).toContain('image | - | tahoe-26.1-b4 | tahoe-26.2');
  });
});
