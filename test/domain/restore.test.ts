import { expect, it } from 'vitest';
import type { Sha256 } from '../../src/domain/brands.js';
import { fallbackOf, supersededOn } from '../../src/domain/node/restore.js';

const [inForce, old, older] = ['a', 'b', 'c'].map((letter) => letter.repeat(64)) as [Sha256, Sha256, Sha256];

it.each([
  ['what it served, which is whole there', { active: old, accepted: [older, old] }, old],
  ['nothing, where what it served is not whole', { active: old, accepted: [older] }, null],
  ['nothing, where it served nothing', { active: null, accepted: [old] }, null],
  ['nothing, where it served what is in force', { active: inForce, accepted: [inForce] }, null],
])('a node whose probes fail goes back to %s', (_, report, to) => {
  expect(fallbackOf(report, inForce)).toBe(to);
});

it.each([
  [{ active: old, accepted: [old, older] }, [old, older]],
  [{ active: old, accepted: [inForce] }, [old]],
  [{ active: inForce, accepted: [inForce] }, []],
  [{ active: null, accepted: [] }, []],
])('what is not in force has to go: %j', (report, gone) => {
  expect(supersededOn(report, inForce)).toEqual(gone);
});
