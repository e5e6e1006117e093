import fc from 'fast-check';
import type { Target } from './target.js';

/** In bytes: more than any reader's recursion bears, and little enough for a million cases. */
const LONGEST = 24 * 1024;
const INTERESTING = [0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff] as const;
/** Lengths of DER that lie: indefinite, more than is left, not the shortest form, reserved. */
const LYING_LENGTHS = [
  [0x80],
  [0x81, 0x05],
  [0x82, 0xff, 0xff],
  [0x84, 0x7f, 0xff, 0xff, 0xff],
  [0x84, 0xff, 0xff, 0xff, 0xff],
  [0xff],
  [0],
] as const;
const TIMES = [1, 1, 1, 1, 2, 3, 60, 2_000, 20_000] as const;

/** A number that stands for a place in bytes, whatever their length. */
const place = fc.nat(0x3fffffff);

const mutation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('flip' as const), at: place, bit: fc.nat(7) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('set' as const), at: place, byte: fc.nat(255) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('cut' as const), at: place }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('remove' as const), at: place, length: fc.nat(400) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('repeat' as const), at: place, length: fc.nat(200), times: fc.constantFrom(...TIMES) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('splice' as const), at: place, seed: place, from: place, length: fc.nat(2_000) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('number' as const), at: place, value: fc.constantFrom(...INTERESTING), order: fc.constantFrom('big' as const, 'little' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('length' as const), at: place, lie: fc.nat(LYING_LENGTHS.length - 1) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('token' as const), at: place, token: place, times: fc.constantFrom(...TIMES) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('noise' as const), at: place, bytes: fc.uint8Array({ maxLength: 24 }) }) },
); // prettier-ignore

type Mutation = typeof mutation extends fc.Arbitrary<infer M> ? M : never;

/** Inputs of a target: one of its seeds, damaged in up to six ways. Fewer ways are tried first where one fails. */
export const casesOf = (target: Target): fc.Arbitrary<Uint8Array> =>
  fc
    .record({ seed: fc.nat(target.seeds.length - 1), mutations: fc.array(mutation, { maxLength: 6 }) })
    .map(({ seed, mutations }) => mutations.reduce((bytes, one) => mutated(bytes, one, target), target.seeds[seed]!));

function mutated(bytes: Uint8Array, one: Mutation, target: Target): Uint8Array {
  const longest = target.longest ?? LONGEST;
  const at = bytes.length === 0 ? 0 : one.at % (bytes.length + 1);
  const replaced = (removed: number, ...parts: readonly Uint8Array[]): Uint8Array =>
    Buffer.concat([bytes.subarray(0, at), ...parts, bytes.subarray(at + removed)]).subarray(0, longest);
  switch (one.kind) {
    case 'flip':
      return replaced(1, Uint8Array.of((bytes[at] ?? 0) ^ (1 << one.bit)));
    case 'set':
      return replaced(1, Uint8Array.of(one.byte));
    case 'cut':
      return bytes.subarray(0, at);
    case 'remove':
      return replaced(one.length);
    case 'repeat':
      return replaced(0, repeated(bytes.subarray(at, at + one.length), one.times, longest));
    case 'splice': {
      const other = target.seeds[one.seed % target.seeds.length]!;
      const from = one.from % (other.length + 1);
      return replaced(one.length, other.subarray(from, from + one.length));
    }
    case 'number': {
      const number = Buffer.alloc(4);
      if (one.order === 'big') number.writeUInt32BE(one.value);
      else number.writeUInt32LE(one.value);
      return replaced(4, number);
    }
    case 'length':
      return replaced(1, Uint8Array.from(LYING_LENGTHS[one.lie]!));
    case 'token':
      return replaced(0, repeated(target.tokens[one.token % target.tokens.length]!, one.times, longest));
    case 'noise':
      return replaced(0, one.bytes);
  }
}

const repeated = (piece: Uint8Array, times: number, longest: number): Uint8Array =>
  piece.length === 0 ? piece : Buffer.alloc(Math.min(longest, piece.length * times), piece);
