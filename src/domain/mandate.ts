import type { LineName, NodeName, PersonId, Sha256 } from './brands.js';
import type { RosterCommand } from './roster.js';
import { faultInSaid, matches, orNull, SHA256, text, UNSAID, type Field, type Said } from './rotation/statement.js';

/** What a person has done to one node, outside of every rotation. */
export type Deed =
  /** The node comes to the manifest in force, and to no other one. */
  | { readonly says: 'node-restore'; readonly node: NodeName; readonly manifest: Sha256 }
  | { readonly says: 'node-purge'; readonly node: NodeName }
  /** Claims and bookings of a holder end. */
  | {
      readonly says: 'seat-release';
      readonly node: NodeName;
      readonly holder: string;
      /** Only those of this job; null: of all of them. */
      readonly job: string | null;
    };

/** The statement by which a person asks for it: a mandate for one deed on one node, in the name of one of its lines. */
export type Mandate = Said & Deed;

/** A mandate and its signature, as they were given. */
export interface SignedMandate {
  readonly statement: Mandate;
  /** As `ssh-keygen -Y sign` writes it. */
  readonly signature: string;
}

/** Who asks, and by what; without a signed mandate by name alone. */
export interface Asking {
  readonly line: LineName;
  readonly by: PersonId;
  readonly ticket: string;
  readonly signed?: SignedMandate;
}

const OWN: Readonly<Record<Deed['says'], Readonly<Record<string, Field>>>> = {
  'node-restore': { node: text(64), manifest: matches(SHA256) },
  'node-purge': { node: text(64) },
  'seat-release': { node: text(64), holder: text(120), job: orNull(text(120)) },
};

/** The roster's right that each needs. */
export const RIGHT_OF: Readonly<Record<Deed['says'], RosterCommand>> = {
  'node-restore': 'restore',
  'node-purge': 'purge',
  'seat-release': 'release-seat',
};

export type ReadMandate =
  | { readonly kind: 'mandate'; readonly mandate: Mandate }
  /** In words that end a sentence. */
  | { readonly kind: 'none'; readonly reason: string };

/** Reads what claims to be a mandate. Every field is there, of its form, and no other: what is signed is all understood. */
export function readMandate(value: unknown): ReadMandate {
  const fault = faultInSaid(value, OWN, UNSAID);
  return fault === null ? { kind: 'mandate', mandate: value as Mandate } : { kind: 'none', reason: fault };
}

/** The first thing in which a mandate is for something other than what is asked; null: it is for just that. In words that end a sentence. */
export function mandatesOther(mandate: Mandate, { line, by, ticket }: Omit<Asking, 'signed'>, deed: Deed): string | null {
  const asked = { person: by, line, ticket, ...deed };
  const said: Readonly<Record<string, string | number | null>> = { ...mandate };
  const other = Object.entries(asked).find(([name, value]) => said[name] !== value);
  if (other === undefined) return null;
  const [name, value] = other;
  const manifest = name === 'manifest' ? '; what is in force may have changed since: sign it again' : '';
  return `it says ${said[name] ?? 'nothing'} for ${name}, and that is ${value ?? 'none'}${manifest}`;
}
