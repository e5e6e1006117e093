import type { LineName } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';

/** `lines/<line>/rotations.json`: rotation numbers by who asked for them, and by the signed statements that asked. */
export type Numbers = Readonly<Record<string, number>>;

export const numbersPath = (line: LineName): string => `lines/${line}/rotations.json`;

/** The number that a key has got; null where it has none. */
export const numberOf = (numbers: Numbers, key: string): number | null => (Object.hasOwn(numbers, key) ? (numbers[key] ?? null) : null);

/** Who asks for a number. */
export interface Asking {
  /** The same key always gets the same number. */
  readonly key: string;
  /** Nonce of the signed statement behind it: it asks for one number, whoever brings it along again. */
  readonly nonce: string | undefined;
}

/**
 * The number of whoever asks, and the numbers as they are to be written; null where they are written already.
 * @throws ResealError ALREADY_DECIDED where the statement has asked for another one
 */
export function allotted(
  line: LineName,
  numbers: Numbers,
  { key, nonce }: Asking,
): { readonly number: number; readonly next: Numbers | null } {
  const known = Object.hasOwn(numbers, key) ? numbers[key] : undefined;
  const statement = nonce === undefined ? null : `statement/${nonce}`;
  const before = statement !== null && Object.hasOwn(numbers, statement) ? numbers[statement] : undefined;
  if (before !== undefined && before !== known)
    throw new ResealError('ALREADY_DECIDED', `A signed statement counts once, and this one has counted, for ${line}-${before}. Sign anew.`);
  if (known !== undefined) return { number: known, next: null };
  const number = Math.max(0, ...Object.values(numbers)) + 1;
  return { number, next: { ...numbers, [key]: number, ...(statement === null ? {} : { [statement]: number }) } };
}
