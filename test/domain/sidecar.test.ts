import { describe, expect, it } from 'vitest';
import type { LineName, Sha1 } from '../../src/domain/brands.js';
import { judgeSidecar, type SeenAlias, type SeenSidecar } from '../../src/domain/node/sidecar.js';

const OLD = 'a'.repeat(40) as Sha1;
const NEW = 'b'.repeat(40) as Sha1;
const NOW = Date.parse('2026-03-01T09:00:00Z');
const alias = (identity: Sha1, more: Partial<SeenAlias> = {}): SeenAlias => ({
  alias: `ios-main-${identity.slice(0, 8)}`,
  certificate: identity,
  expiresAt: '2027-01-01T00:00:00.000Z',
  ...more,
});
const judged = (seen: Partial<SeenSidecar>, environment: 'simulated' | 'other' = 'other') =>
  judgeSidecar(
    { node: 'ams-build-1', line: 'ios-main' as LineName, environment, identities: [OLD, NEW], now: NOW },
    { aliases: [alias(OLD), alias(NEW)], signer: 'rcodesign', ...seen },
  );

describe('what a sidecar has to hold for a node', () => {
  it('an alias for each identity, of its certificate; more is nobody’s business', () => {
    expect(judged({ aliases: [alias(OLD), alias(NEW), { alias: 'android', trouble: 'gone' }] })).toMatchObject({ verdict: 'pass' });
  });

  it.each<[string, Partial<SeenSidecar>, string]>([
    ['one is missing', { aliases: [alias(OLD)] }, `no alias ios-main-bbbbbbbb; add it there, with the key of certificate ${NEW}.`],
    [
      'one is of another certificate',
      { aliases: [alias(OLD), alias(NEW, { certificate: OLD })] },
      `is of certificate ${OLD}, expected ${NEW}; correct it there.`,
    ],
    [
      'one has expired',
      { aliases: [alias(OLD), alias(NEW, { expiresAt: '2026-03-01T09:00:00.000Z' })] },
      'at its sidecar expired 2026-03-01',
    ],
    [
      'the key of one cannot be used',
      { aliases: [alias(OLD), { alias: 'ios-main-bbbbbbbb', trouble: 'its password is another one.' }] },
      'cannot use the key of ios-main-bbbbbbbb: its password is another one.',
    ],
    ['both are missing', { aliases: [] }, 'no alias ios-main-aaaaaaaa; add it there, with the key of certificate aaaaaaaa'],
    ['it signs nothing', { signer: 'stand-in' }, 'runs with signer: stand-in, which signs nothing; give it rcodesign.'],
  ])('fails where %s, with node, alias and what to do', (_, seen, said) => {
    const result = judged(seen);
    expect(result).toMatchObject({ check: 'sidecar', verdict: 'fail' });
    expect(result.reason).toContain('Node ams-build-1: ');
    expect(result.reason).toContain(said);
  });

  it('a simulated node may have one that leaves stand-ins', () => {
    expect(judged({ signer: 'stand-in' }, 'simulated')).toMatchObject({ verdict: 'pass' });
  });
});
