import { z } from 'zod';
import { isName, isSha1, isSha256, isTeamId, isUuid } from '../domain/brands.js';
import type { NodeName, LineName, Sha1, Sha256, TeamId, Uuid } from '../domain/brands.js';
import { parseInstant } from '../domain/manifest-rules.js';

const text = z.string().min(1).max(256);
const sha1 = z.string().refine((value): value is Sha1 => isSha1(value), 'the SHA-1 of a certificate, 40 lower-case hexadecimal digits');
const sha256 = z.string().refine((value): value is Sha256 => isSha256(value), 'a SHA-256, 64 lower-case hexadecimal digits');
const uuid = z.string().refine((value): value is Uuid => isUuid(value), 'a UUID in lower case');
const teamId = z.string().refine((value): value is TeamId => isTeamId(value), "Apple's team id, ten capital letters and digits");
const lineName = z.string().refine((value): value is LineName => isName(value), 'a name of lower-case letters, digits and hyphens');
const nodeName = z.string().refine((value): value is NodeName => isName(value), "a node's name");
const instant = z.string().refine((value) => parseInstant(value) !== null, 'a time as 2026-11-29T09:14:07Z');
const variant = z.string().refine(isName, 'a name of lower-case letters, digits and hyphens');
const bundleId = z.string().regex(/^[A-Za-z0-9.-]+$/, 'a bundle id: letters, digits, hyphens, full stops');
const appId = z.string().regex(/^[A-Z0-9]{10}\.(?:[A-Za-z0-9.-]+|[A-Za-z0-9.-]*\*)$/, 'an app id, <prefix>.<bundle id or wildcard>');
// A target's name becomes part of a setting and of a comment: a line break in it would write settings of its own.
const target = text.regex(/^[^\u0000-\u001f\u007f]+$/, 'a name without control characters');

export const manifestCertificateSchema = z.strictObject({
  commonName: text,
  team: teamId,
  serial: z.string().regex(/^[0-9A-F]{1,64}$/, 'a serial number in upper-case hexadecimal digits'),
  expiresAt: instant,
});

export const manifestProfileSchema = z.strictObject({
  uuid,
  fileName: text,
  sha256,
  name: text,
  appId,
  platforms: z.array(text).min(1),
  certificates: z.array(sha1).min(1),
  createdAt: instant,
  expiresAt: instant,
});

export const manifestEntrySchema = z.strictObject({
  app: text,
  role: z.enum(['host', 'extension', 'watch', 'clip']),
  team: teamId,
  bundleId,
  method: z.enum(['app-store', 'ad-hoc', 'development', 'enterprise']),
  variant: variant.optional(),
  holder: nodeName.optional(),
  targets: z.array(target).min(1),
  identity: sha1,
  profile: manifestProfileSchema,
});

/** The shape of `profiles.json`, version 1; what the shape cannot say is in src/domain/manifest-rules.ts. */
export const manifestSchema = z.strictObject({
  schemaVersion: z.literal(1),
  line: lineName,
  certificates: z.record(sha1, manifestCertificateSchema),
  profiles: z.array(manifestEntrySchema),
});
