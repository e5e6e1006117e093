import type { ExportFault } from '../domain/node/canary.js';
import type { CommandResult } from '../node-shell/contract.js';

/** What Xcode 15 and 16 print where `-exportArchive` fails, by public CI logs; the first that fits says the most. */
const SENTENCES: readonly (readonly [RegExp, Exclude<ExportFault, { readonly code: number }>['kind']])[] = [
  [/codesign command failed/, 'codesign'],
  [/doesn't include signing certificate/, 'certificate-not-in-profile'],
  [/No signing certificate ".*" found/, 'no-certificate'],
  [/No profiles for '.*' were found|requires a provisioning profile|No profile for team '.*' matching/, 'no-profile'],
  [/Provisioning profile ".*" (?:expired|is not an?|has app ID)/, 'profile-unfit'],
];

/** The sentences name profiles and certificates; only which of them it was goes into a report. */
export function exportFault({ code, stdout, stderr, expired }: CommandResult): ExportFault {
  if (expired) return { kind: 'no-end' };
  if (code === 127) return { kind: 'no-program' };
  const kind = SENTENCES.find(([pattern]) => pattern.test(stderr) || pattern.test(stdout))?.[1];
  return kind === undefined ? { kind: 'other', code } : { kind };
}
