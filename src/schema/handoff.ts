import { LONGEST_SIGNATURE } from '../domain/signing/standing.js';
import { z } from 'zod';
import { isSha256, type LineName } from '../domain/brands.js';
import type { HandoffEnvelope } from '../domain/signing/handoff.js';
import { branded, name, schemaVersion, text } from './fields.js';

const sha256 = z
  .string({ error: 'a SHA-256: 64 hexadecimal digits in lower case' })
  .refine(isSha256, { error: 'a SHA-256: 64 hexadecimal digits in lower case' })
  .transform((digest) => digest);
const instant = z.iso.datetime({ error: 'a time in UTC like 2026-11-29T09:14:07Z' });

export const HandoffEnvelopeSchema = z
  .strictObject({
    schemaVersion,
    installation: name,
    line: branded<LineName>(),
    profile_manifest_sha: sha256,
    pipeline: name,
    job: text.max(500),
    bundles: z.array(text.max(255)).max(500),
    artifact: z.strictObject({ name: text.max(255), sha256 }),
    issuedAt: instant,
    expiresAt: instant,
  })
  .transform((envelope): HandoffEnvelope => envelope);

/** A handoff as a file: the envelope, and the signature over its canonical form (RFC 8785). */
export const HandoffSchema = z.strictObject({
  envelope: HandoffEnvelopeSchema,
  /** As `ssh-keygen -Y sign -n reseal-handoff-v1` makes it. */
  signature: z.string().max(LONGEST_SIGNATURE),
});
