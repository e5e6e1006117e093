import { readFile, stat } from 'node:fs/promises';
import { z } from 'zod';
import { ResealError } from '../domain/errors.js';
import type { ExportOptions } from '../domain/project-signing.js';
import { parseXmlPropertyList } from '../mac/property-list.js';

const MAX_BYTES = 1_048_576;

const PLIST = z.object({
  method: z.string({ error: 'method: found none, expected how the app is distributed, as app-store-connect' }),
  teamID: z.string({ error: 'teamID: expected a text' }).optional(),
  signingStyle: z.string({ error: 'signingStyle: expected a text' }).optional(),
  signingCertificate: z.string({ error: 'signingCertificate: expected a text' }).optional(),
  provisioningProfiles: z
    .record(z.string(), z.string(), { error: 'provisioningProfiles: expected bundle ids, each with a profile' })
    .optional(),
});

/**
 * Reads what `xcodebuild -exportArchive -exportOptionsPlist` reads.
 * @param name as messages call it
 * @throws ResealError FILE_UNREADABLE, PROJECT_INVALID
 */
export async function readExportOptions(path: string, name: string): Promise<ExportOptions> {
  const invalid = (what: string, cause?: unknown): ResealError =>
    new ResealError('PROJECT_INVALID', `${name} is no ExportOptions.plist: ${what}.`, { cause });
  const text = await textOf(path, name);
  if (!text.trimStart().startsWith('<')) throw invalid('it is no XML property list; plutil -convert xml1 makes it one');
  let found: unknown;
  try {
    found = parseXmlPropertyList(text);
  } catch (error) {
    throw invalid('its XML cannot be read', error);
  }
  const result = PLIST.safeParse(found);
  if (!result.success) throw invalid(result.error.issues.map(({ message }) => message).join('; '));
  const { method, teamID, signingStyle, signingCertificate, provisioningProfiles } = result.data;
  return {
    file: name,
    method,
    team: teamID ?? null,
    style: signingStyle ?? null,
    certificate: signingCertificate ?? null,
    profiles: provisioningProfiles ?? {},
  };
}

async function textOf(path: string, name: string): Promise<string> {
  const about = await stat(path).catch(() => null);
  if (about?.isFile() !== true) throw new ResealError('FILE_UNREADABLE', `${name} is no file. Name an ExportOptions.plist.`);
  if (about.size > MAX_BYTES)
    throw new ResealError('FILE_UNREADABLE', `${name} has ${about.size} bytes, more than an ExportOptions.plist may have.`);
  return readFile(path, 'utf8');
}
