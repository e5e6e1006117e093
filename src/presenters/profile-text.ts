import { hasContents, type ProfileContentsView, type ProfileFilesView, type ProfileFileView } from './profile.js';
import type { ProfileImportView, ProfileVerdictsView, ProfileVerdictView } from './profile-verdict.js';

/** How an instant is shown: `2026-11-29 09:14 (in 6 days)`, in the reader's zone. */
export type ShowTime = (at: number) => string;

/** What `profile inspect` shows people: a block per file, labels aligned. */
export function profileFilesText(view: ProfileFilesView, time: ShowTime): string {
  return view.profiles.map((one) => fileText(one, time)).join('\n\n');
}

/** `reseal profile verify`: a line per file with its verdict, the reason below it. */
export function profileVerdictsText(view: ProfileVerdictsView): string {
  return view.profiles.map(verdictText).join('\n');
}

/** `reseal profile import`: the verdicts, and what became of the files. */
export function profileImportText(view: ProfileImportView): string {
  const count = view.profiles.length === 1 ? '1 profile' : `${view.profiles.length} profiles`;
  const outcome = view.imported
    ? `Imported ${count} as ${view.importedBy}.`
    : 'Nothing was imported: every file must be a profile whose signature counts.';
  return `${profileVerdictsText(view)}\n${outcome}`;
}

function verdictText(view: ProfileVerdictView): string {
  const indent = ' '.repeat(9);
  if (!view.ok) return printable(`refused  ${view.path}`) + `\n${indent}${printable(view.error.message)}`;
  const expired = view.signerExpired ? "; the signer's certificate has expired since, which is no fault" : '';
  return printable(`valid    ${view.path}  ${view.uuid} "${view.name}"`) + `\n${indent}${printable(view.reason)}${expired}`;
}

function fileText(view: ProfileFileView, time: ShowTime): string {
  const rows: [string, string][] = [];
  if (view.error !== undefined) rows.push(['error', `${view.error.code}: ${view.error.message}`]);
  if (hasContents(view)) rows.push(...contentRows(view, time));
  else if (view.signature !== undefined) rows.push(['signature', signatureText(view.signature, time)]);
  const width = Math.max(...rows.map(([label]) => label.length));
  return [printable(view.path), ...rows.map(([label, value]) => `  ${label.padEnd(width)}  ${printable(value)}`)].join('\n');
}

function contentRows(view: ProfileContentsView, time: ShowTime): [string, string][] {
  const managed = view.xcodeManaged ? ', managed by Xcode' : '';
  const devices: [string, string][] = view.deviceCount === 0 ? [] : [['devices', String(view.deviceCount)]];
  return [
    ['name', view.name],
    ['uuid', view.uuid],
    ['bundle id', view.bundleId + (view.wildcard ? ' (wildcard)' : '')],
    ['team', `${view.teamId} ${view.teamName}` + (view.prefix === view.teamId ? '' : `, prefix ${view.prefix}`)],
    ['kind', `${view.kind}, ${view.platforms.join(', ')}${managed}`],
    ...devices,
    ['created', time(Date.parse(view.createdAt))],
    ['expires', time(Date.parse(view.expiresAt))],
    ...view.certificates.map((one): [string, string] => [
      'certificate',
      `${one.sha1.slice(0, 8)} ${one.commonName}, serial …${one.serialLast6}, expires ${time(Date.parse(one.expiresAt))}`,
    ]),
    ['signature', signatureText(view.signature, time)],
    ['sha256', view.sha256],
  ];
}

function signatureText(signature: ProfileContentsView['signature'], time: ShowTime): string {
  const expired = signature.signerExpired ? "; the signer's certificate has expired since, which is no fault" : '';
  const when = signature.signedAt === null ? '' : ` at ${time(Date.parse(signature.signedAt))}`;
  return signature.status === 'valid'
    ? `valid: ${signature.reason}${when}${expired}`
    : `${signature.status.toUpperCase()}: ${signature.reason}`;
}

/** Names come from files that may be anybody's: nothing in them may steer the terminal. */
const printable = (text: string): string => text.replace(/\p{Cc}/gu, '?');
