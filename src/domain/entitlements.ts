import type { Entitlements, PlainValue } from './profile.js';

/**
 * Which of the predecessor's entitlements the successor does not grant, one sentence each; empty where it is nowhere narrower.
 * Arrays are sets of permissions: each element must be covered. A string that ends in `*` covers what begins like it.
 * A single string and an array of one are the same to Apple. Booleans and numbers must be equal, dictionaries key by key.
 */
export function narrowerEntitlements(predecessor: Entitlements, successor: Entitlements): readonly string[] {
  return Object.entries(predecessor)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .flatMap(([key, value]) => {
      const found = Object.hasOwn(successor, key) ? successor[key] : undefined;
      if (found === undefined) return [`entitlement ${key} is missing, the predecessor has ${shown(value)}`];
      return covers(found, value) ? [] : [`entitlement ${key} is ${shown(found)}, which does not cover the predecessor's ${shown(value)}`];
    });
}

/** Whether everything that `needed` permits, `granted` permits too. */
export function covers(granted: PlainValue, needed: PlainValue): boolean {
  if (isList(granted) || isList(needed)) {
    const grants = isList(granted) ? granted : [granted];
    const needs = isList(needed) ? needed : [needed];
    return needs.every((need) => grants.some((grant) => covers(grant, need)));
  }
  if (typeof granted === 'string' && typeof needed === 'string') return stringCovers(granted, needed);
  if (typeof granted === 'object' && typeof needed === 'object') return dictionaryCovers(granted, needed);
  return granted === needed;
}

type Dictionary = { readonly [key: string]: PlainValue };

const isList = (value: PlainValue): value is readonly PlainValue[] => Array.isArray(value);

function stringCovers(granted: string, needed: string): boolean {
  return granted === needed || (granted.endsWith('*') && needed.startsWith(granted.slice(0, -1)));
}

function dictionaryCovers(granted: Dictionary, needed: Dictionary): boolean {
  return Object.entries(needed).every(([key, value]) => {
    const found = Object.hasOwn(granted, key) ? granted[key] : undefined;
    return found !== undefined && covers(found, value);
  });
}

const shown = (value: PlainValue): string => JSON.stringify(value);
