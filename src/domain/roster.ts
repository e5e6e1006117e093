import type { PersonId } from './brands.js';

/** What a role may do; the operators' commands of the API. */
export type RosterCommand =
  | 'import'
  | 'freeze'
  | 'start'
  | 'cancel'
  | 'pause'
  | 'resume'
  | 'retry'
  | 'approve'
  | 'reject'
  | 'withdraw'
  | 'exclude'
  | 'start-emergency'
  | 'rollback'
  | 'answer'
  | 'close'
  | 'release-seat'
  | 'purge'
  | 'restore'
  | 'schedule'
  | 'export';

export interface Person {
  readonly id: PersonId;
  readonly name: string;
  readonly roles: readonly string[];
  /** Public SSH keys, as in `id_ed25519.pub`: whoever has one signs what they say. */
  readonly keys: readonly { readonly kind: 'ssh'; readonly public: string }[];
}

/** Whom exported identities may be sealed to. */
export interface Receiver {
  readonly id: string;
  readonly name: string;
  /** Public age key, `age1…`. */
  readonly recipient: string;
  /** Persons who may fetch what is sealed to it; they do not approve it. */
  readonly fetchedBy: readonly PersonId[];
}

export interface Roster {
  readonly schemaVersion: 1;
  readonly persons: readonly Person[];
  /** Role to commands; an empty list is only an audience. */
  readonly roles: Readonly<Record<string, readonly RosterCommand[]>>;
  /** Missing: nothing is exported to anybody. */
  readonly receivers?: readonly Receiver[];
}

/** Whether the roster gives `person` the right to `command`. */
export function mayDo(roster: Roster, person: string, command: RosterCommand): boolean {
  const found = roster.persons.find((candidate) => candidate.id === person);
  return found !== undefined && found.roles.some((role) => (roster.roles[role] ?? []).includes(command));
}
