import { z } from 'zod';
import type { PersonId } from '../domain/brands.js';
import type { Roster, RosterCommand } from '../domain/roster.js';
import { branded, name, schemaVersion, text } from './fields.js';

const COMMANDS = [
  'import',
  'freeze',
  'start',
  'cancel',
  'pause',
  'resume',
  'retry',
  'approve',
  'reject',
  'withdraw',
  'exclude',
  'start-emergency',
  'rollback',
  'answer',
  'close',
  'release-seat',
  'purge',
  'restore',
] as const satisfies readonly RosterCommand[];

/** `roster.yaml`. */
export const RosterSchema = z
  .strictObject({
    schemaVersion,
    persons: z
      .array(
        z.strictObject({
          id: branded<PersonId>(),
          name: text,
          roles: z.array(name).default([]),
          keys: z.array(z.strictObject({ kind: name, public: text })).default([]),
        }),
      )
      .min(1, { error: 'at least one person' }),
    roles: z.record(name, z.array(z.enum(COMMANDS))),
  })
  .transform((roster): Roster => roster);
