import type { PlistValue } from 'plist';
import { z } from 'zod';
import { isTeamId, isUuid, type Sha256 } from '../domain/brands.js';
import { parseXmlPropertyList } from '../mac/property-list.js';
import { kindOf, type PlainValue, type ProfileCertificate, type ProfileDescription } from '../domain/profile.js';
import { readCertificate } from './certificate.js';
import { isoSeconds } from './digest.js';

const uuid = z.string().toLowerCase().refine(isUuid, 'is no UUID');
const team = z.string().refine(isTeamId, 'is no team id of ten characters');
const bytes = z.instanceof(Uint8Array);

/** The keys that reseal reads of Apple's (mac-tools.md). Others are Apple's to add: they are passed over, not refused. */
const PLIST = z.object({
  UUID: uuid,
  Name: z.string(),
  TeamIdentifier: z.array(team).min(1),
  TeamName: z.string().default(''),
  ApplicationIdentifierPrefix: z.array(z.string().min(1)).min(1),
  CreationDate: z.date(),
  ExpirationDate: z.date(),
  Platform: z.array(z.string()).default(['iOS']),
  Entitlements: z.record(
    z.string(),
    z.custom<PlistValue>((value) => value !== undefined && value !== null),
  ),
  DeveloperCertificates: z.array(bytes).default([]),
  ProvisionedDevices: z.array(z.string()).optional(),
  ProvisionsAllDevices: z.boolean().default(false),
  IsXcodeManaged: z.boolean().default(false),
});

/**
 * Decodes the property list inside a profile. Says nothing of whether it can be believed.
 *
 * @param content the signed content, XML
 * @param sha256 of the whole file
 * @throws Error naming every key that is missing or of another type
 */
export function readContents(content: Uint8Array, sha256: Sha256): ProfileDescription {
  const text = Buffer.from(content).toString('utf8');
  if (!looksLikePlist(text)) throw new Error('the contents are no XML property list');
  const result = PLIST.safeParse(parseXmlPropertyList(text));
  if (!result.success) {
    throw new Error(result.error.issues.map((issue) => `${issue.path.join('.') || 'the property list'}: ${issue.message}`).join('; '));
  }
  const plist = result.data;
  const prefix = plist.ApplicationIdentifierPrefix[0] ?? '';
  const appId = applicationIdentifier(plist.Entitlements);
  if (!appId.startsWith(`${prefix}.`)) throw new Error(`the application identifier ${appId} does not begin with the prefix ${prefix}`);
  const bundleId = appId.slice(prefix.length + 1);
  return {
    sha256,
    uuid: plist.UUID,
    name: plist.Name,
    team: plist.TeamIdentifier[0] ?? fail('TeamIdentifier is empty'),
    teamName: plist.TeamName,
    prefix,
    appId,
    bundleId,
    wildcard: bundleId.endsWith('*'),
    kind: kindOf({
      hasDevices: plist.ProvisionedDevices !== undefined,
      allDevices: plist.ProvisionsAllDevices,
      getTaskAllow: plist.Entitlements['get-task-allow'] === true || plist.Entitlements['com.apple.security.get-task-allow'] === true,
    }),
    platforms: plist.Platform,
    entitlements: Object.fromEntries(Object.entries(plist.Entitlements).map(([key, value]) => [key, plain(value)])),
    devices: plist.ProvisionedDevices ?? [],
    xcodeManaged: plist.IsXcodeManaged,
    certificates: plist.DeveloperCertificates.map(certificate),
    createdAt: isoSeconds(plist.CreationDate),
    expiresAt: isoSeconds(plist.ExpirationDate),
  };
}

/** Whether a text is a whole XML property list by its two ends. */
export function looksLikePlist(text: string): boolean {
  return /^\uFEFF?\s*<(?:\?xml|!DOCTYPE plist|plist)[\s\S]*<\/plist>\s*$/.test(text);
}

function applicationIdentifier(entitlements: Readonly<Record<string, PlistValue>>): string {
  const found = entitlements['application-identifier'] ?? entitlements['com.apple.application-identifier'];
  return typeof found === 'string' ? found : fail('the entitlements have no application-identifier');
}

function certificate(der: Uint8Array): ProfileCertificate {
  const read = readCertificate(der);
  return {
    sha1: read.sha1,
    commonName: read.commonName,
    serial: read.serial,
    notBefore: isoSeconds(read.notBefore),
    notAfter: isoSeconds(read.notAfter),
  };
}

/** A property list's value as plain data. */
export function plain(value: PlistValue): PlainValue {
  if (value === null) return '';
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? '' : isoSeconds(value);
  if (value instanceof Uint8Array) return Buffer.from(value).toString('base64');
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, plain(inner)]));
  return value;
}

function fail(message: string): never {
  throw new Error(message);
}
