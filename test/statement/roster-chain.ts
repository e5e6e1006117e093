import { rmSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { KeptRosters, RosterAdoption, SignedAdoption } from '../../src/domain/adopted-rosters.js';
import type { Roster } from '../../src/domain/roster.js';
import { adoptedRosters } from '../../src/statement/adopted-rosters.js';
import { canonicalBytes } from '../../src/statement/canonical.js';
import { canonicalDigest } from '../../src/statement/person.js';
import { makeSshKey, sshSign, type SshKey } from '../setup/ssh-keys.js';

const HOME = mkdtempSync(join(tmpdir(), 'reseal-adopted-'));
const NAMES = ['ada', 'grace', 'mallory', 'trudy', 'ada-new'] as const;
export type Name = (typeof NAMES)[number];
export const key = Object.fromEntries(NAMES.map((name) => [name, makeSshKey(HOME, name)])) as Record<Name, SshKey>;
afterAll(() => rmSync(HOME, { recursive: true, force: true }));

export const NOW = Date.parse('2026-11-28T12:00:00Z');
export const DAY = 86_400_000;
const ROLES = { approvers: ['approve'], guests: [] } as const;

interface Declared {
  readonly keys?: readonly Name[];
  readonly roles?: readonly string[];
}
export const roster = (persons: Readonly<Record<string, Declared>>): Roster => ({
  schemaVersion: 1,
  persons: Object.entries(persons).map(([id, { keys = [id as Name], roles = ['approvers'] }]) => ({
    ...{ id: id as never, name: id, roles },
    keys: keys.map((one) => ({ kind: 'ssh' as const, public: key[one].line })),
  })),
  roles: ROLES,
});

/** Rosters one after another, each with who signed it, and when. */
export class Chain {
  private readonly steps: { readonly roster: Roster; readonly adoptions: SignedAdoption[] }[] = [];
  then(next: Roster, ...signers: readonly { readonly who: Name; readonly at?: number; readonly change?: Partial<RosterAdoption> }[]): this {
    const previous = this.steps.at(-1)?.roster;
    const adoptions = signers.map(({ who, at = NOW - 30 * DAY, change = {} }, index) => {
      const statement: RosterAdoption = {
        ...{ schemaVersion: 1, says: 'roster-adopt', installation: 'acme', person: who.split('-')[0] as never, ticket: 'CHG-1' },
        ...{
          number: this.steps.length + 1,
          roster: canonicalDigest(next),
          previous: previous === undefined ? null : canonicalDigest(previous),
        },
        nonce: `${this.steps.length}${index}`.padStart(32, '0'),
        ...{ issuedAt: new Date(at).toISOString(), expiresAt: new Date(at + 60_000).toISOString(), ...change },
      };
      return { statement, signature: sshSign(key[who], canonicalBytes(statement), 'reseal-approval-v1') };
    });
    this.steps.push({ roster: next, adoptions });
    return this;
  }
  get kept(): KeptRosters {
    return JSON.parse(JSON.stringify({ schemaVersion: 1, installation: 'acme', steps: this.steps })) as KeptRosters;
  }
  get read() {
    return adoptedRosters(this.kept, 'acme');
  }
}
