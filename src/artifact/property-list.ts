import { parse, type PlistValue } from 'plist';
import type { Entitlements } from '../domain/profile.js';
import { parseXmlPropertyList } from '../mac/property-list.js';
import { plain } from '../profile/contents.js';

export type Dictionary = Readonly<Record<string, PlistValue>>;

/** The dictionary that a property list is, XML or binary; null where it is none, or is damaged. */
export function dictionary(bytes: Uint8Array): Dictionary | null {
  try {
    const isBinary = Buffer.from(bytes.subarray(0, 6)).toString('latin1') === 'bplist';
    const value = isBinary ? parse(Uint8Array.from(bytes)) : parseXmlPropertyList(Buffer.from(bytes).toString('utf8'));
    return isDictionary(value) ? value : null;
  } catch {
    // Damaged, or nested so deeply that no reader follows: either way it says nothing that can be used.
    return null;
  }
}

export const isDictionary = (value: PlistValue | undefined): value is Record<string, PlistValue> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Uint8Array) && !(value instanceof Date);

export function textOf(list: Dictionary | null, key: string): string | null {
  const value = list?.[key];
  return typeof value === 'string' && value !== '' ? value : null;
}

export const plainEntitlements = (list: Dictionary): Entitlements =>
  Object.fromEntries(Object.entries(list).map(([key, value]) => [key, plain(value)]));
