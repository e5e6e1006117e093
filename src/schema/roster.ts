import { z } from 'zod';
import type { PersonId } from '../domain/brands.js';
import type { Roster, RosterCommand } from '../domain/roster.js';
import { ageRecipient, branded, name, schemaVersion, text } from './fields.js';

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
  'schedule',
  'export',
] as const satisfies readonly RosterCommand[];

/** As the first two words of `id_ed25519.pub`, and a comment or none; what is in it, whoever verifies with it looks at. */
const publicKey = text.regex(
  /^(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com) AAAA[A-Za-z0-9+/]+={0,2}(?: .*)?$/,
  { error: 'the line of a public SSH key, like "ssh-ed25519 AAAA… name"' },
);

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
          keys: z.array(z.strictObject({ kind: z.literal('ssh', { error: 'ssh' }), public: publicKey })).default([]),
        }),
      )
      .min(1, { error: 'at least one person' }),
    roles: z.record(name, z.array(z.enum(COMMANDS))),
    /** Whom signing identities may be exported to, sealed. */
    receivers: z
      .array(
        z.strictObject({
          id: name,
          name: text,
          recipient: ageRecipient,
          fetchedBy: z.array(branded<PersonId>()).min(1, { error: 'at least one person who may fetch what is sealed to it' }),
        }),
      )
      .optional(),
  })
  .transform(({ receivers, ...roster }): Roster => ({ ...roster, ...(receivers === undefined ? {} : { receivers }) }));
