import { hasContents, type ProfileContentsView, type ProfileFilesView, type ProfileFileView } from './profile.js';
import type { ProfileImportView, ProfileVerdictsView, ProfileVerdictView } from './profile-verdict.js';
import { relativeTime } from './relative-time.js';

/** The same for people: a block per file, labels aligned. Times in the reader's zone. */
export function profileFilesText(view: ProfileFilesView, at: number): string {
  return view.profiles.map((one) => fileText(one, at)).join('\n\n');
}

/** `reseal profile verify`: a line per file with its verdict, the reason below it. */
export function profileVerdictsText(view: ProfileVerdictsView): string {
  return view.profiles.map(verdictText).join('\n');
}

/** `reseal profile import`: the verdicts, and what became of the files. */
export function profileImportText(view: ProfileImportView): string {
  const count = view.profiles.length === 1 ? '1 profile' : `${view.profiles.length} profiles`;
  const outcome = view.imported ? `Imported ${count} as ${view.importedBy}.` : 'Nothing was imported: every file must be a profile whose signature counts.';
  return `${profileVerdictsText(view)}\n${outcome}`;
}

function verdictText(view: ProfileVerdictView): string {
  const indent = ' '.repeat(9);
  if (!view.ok) return printable(`refused  ${view.path}`) + `\n${indent}${printable(view.error.message)}`;
  const expired = view.signerExpired ? "; the signer's certificate has expired since, which is no fault" : '';
  return printable(`valid    ${view.path}  ${view.uuid} "${view.name}"`) + `\n${indent}${printable(view.reason)}${expired}`;
}

function fileText(view: ProfileFileView, at: number): string {
  const rows: [string, string][] = [];
  if (view.error !== undefined) rows.push(['error', `${view.error.code}: ${view.error.message}`]);
  if (hasContents(view)) rows.push(...contentRows(view, at));
  else if (view.signature !== undefined) rows.push(['signature', signatureText(view.signature)]);
  const width = Math.max(...rows.map(([label]) => label.length));
  return [printable(view.path), ...rows.map(([label, value]) => `  ${label.padEnd(width)}  ${printable(value)}`)].join('\n');
}

function contentRows(view: ProfileContentsView, at: number): [string, string][] {
  const managed = view.xcodeManaged ? ', managed by Xcode' : '';
  const devices: [string, string][] = view.deviceCount === 0 ? [] : [['devices', String(view.deviceCount)]];
  return [
    ['name', view.name],
    ['uuid', view.uuid],
    ['bundle id', view.bundleId + (view.wildcard ? ' (wildcard)' : '')],
    ['team', `${view.teamId} ${view.teamName}` + (view.prefix === view.teamId ? '' : `, prefix ${view.prefix}`)],
    ['kind', `${view.kind}, ${view.platforms.join(', ')}${managed}`],
    ...devices,
    ['created', localTime(view.createdAt)],
    ['expires', `${localTime(view.expiresAt)}, ${relativeTime(Date.parse(view.expiresAt), at)}`],
    ...view.certificates.map((one): [string, string] => [
      'certificate',
      `${one.sha1.slice(0, 8)} ${one.commonName}, serial …${one.serialLast6}, expires ${localTime(one.expiresAt)}, ${relativeTime(Date.parse(one.expiresAt), at)}`,
    ]),
    ['signature', signatureText(view.signature)],
    ['sha256', view.sha256],
  ];
}

function signatureText(signature: ProfileContentsView['signature']): string {
  const expired = signature.signerExpired ? "; the signer's certificate has expired since, which is no fault" : '';
  const when = signature.signedAt === null ? '' : ` at ${localTime(signature.signedAt)}`;
  return signature.status === 'valid' ? `valid: ${signature.reason}${when}${expired}` : `${signature.status.toUpperCase()}: ${signature.reason}`;
}

function localTime(iso: string): string {
  return new Intl.DateTimeFormat('sv-SE', { dateStyle: 'short', timeStyle: 'short' }).format(new Date(iso));
}

/** Names come from files that may be anybody's: nothing in them may steer the terminal. */
const printable = (text: string): string => text.replace(/\p{Cc}/gu, '?');
