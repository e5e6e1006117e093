import { isVariable, namedProfile } from './build-request.js';
import { fine, wrong, type Finding } from './finding.js';
import type { CiFile } from './input.js';

const about = (check: string, subject: string) => ({ stage: 'settings', check, subject }) as const;

/** A line as it counts: without what only people read. */
interface Line {
  readonly number: number;
  readonly text: string;
}

/** Calls that fetch the newest profile unless they are told to only read: fastlane's actions, and the same as commands. */
const FETCHING = /\b(match|sync_code_signing|sigh|get_provisioning_profile)\b/;
const CALL = /(?:^|[\s;{&|])(match|sync_code_signing|sigh|get_provisioning_profile)(?=\s*\(|\s+[a-z_]+:|\s+:|\s*$)/;
const COMMAND = /\bfastlane\s+(?:run\s+)?(match|sync_code_signing|sigh|get_provisioning_profile)\b(.*)$/;
const AUTOMATIC = /\bCODE_SIGN_STYLE\b\s*(?:=>|[=:])\s*["']?automatic\b|\bsigning_?style\b\s*(?:=>|[=:])\s*["']?automatic\b/i;
const SPECIFIER = /\bPROVISIONING_PROFILE(?:_SPECIFIER)?\b\s*(?:=>|[=:])\s*(?:"([^"]*)"|'([^']*)'|([^\s"',;)]+))/;

/** What a CI file (YAML, Fastfile, shell) asks for that fetches the latest, or mixes automatic signing with explicit profiles (S14). */
export function judgeCiFile({ name, text }: CiFile): readonly Finding[] {
  const lines = linesOf(text);
  const findings = [...lines.flatMap((line) => judgeLine(name, line, lines)), ...mixture(name, lines)];
  return findings.length > 0 ? findings : [fine(about('ci-file', name), 'fetches no profile by itself, and mixes nothing')];
}

/** Comments of YAML, Ruby and shells, which begin with `#`, are left out; a `#` inside a word is none. */
function linesOf(text: string): readonly Line[] {
  return text.split(/\r?\n/).map((line, index) => ({ number: index + 1, text: line.replace(/(^|\s)#(?![{]).*$/, '$1') }));
}

function judgeLine(name: string, line: Line, lines: readonly Line[]): readonly Finding[] {
  const subject = `${name}:${line.number}`;
  const findings: Finding[] = [];
  const flag = /-allowProvisioning(?:Updates|DeviceRegistration)\b/.exec(line.text)?.[0];
  if (flag !== undefined)
    findings.push(
      wrong(
        about('provisioning-updates', subject),
        'fail',
        `${flag} lets Xcode fetch and make profiles during the build`,
        `Leave ${flag} out: the node has the profiles that the manifest names`,
        'S14',
        'S3',
      ),
    );
  if (FETCHING.test(line.text)) findings.push(...fetching(subject, line, lines));
  const named = SPECIFIER.exec(line.text);
  const specifier = namedProfile(named?.[1] ?? named?.[2] ?? named?.[3]);
  if (specifier?.by === 'name')
    findings.push(
      wrong(
        about('specifier-by-name', subject),
        'fail',
        `the profile is named "${specifier.name}", and two on a node may bear that name`,
        'Name it by UUID, or give -xcconfig with the settings that reseal renders',
        'S3',
      ),
    );
  return findings;
}

function fetching(subject: string, line: Line, lines: readonly Line[]): readonly Finding[] {
  const command = COMMAND.exec(line.text);
  const [, action, rest = ''] = command ?? CALL.exec(line.text) ?? [];
  if (action === undefined) return [];
  const asked = command === null ? callText(line, lines) : rest;
  const written = /\breadonly["']?\s*(?::|=>)\s*([A-Za-z_][\w.?]*)|--readonly(?:[= ](true|false))?/.exec(asked);
  if (command !== null && written !== null && written[1] === undefined && written[2] !== 'false') return [];
  const value = written?.[1] ?? written?.[2];
  if (value === 'true') return [];
  // fastlane's own question whether this is a CI machine: it is read-only where it counts.
  if (value === 'is_ci' || value === 'is_ci?') return [];
  const found = value === undefined ? `${action} is not told to only read` : `${action} has readonly: ${value}`;
  const verdict = value === undefined || value === 'false' ? 'fail' : 'warn';
  return [
    wrong(
      about('match-not-read-only', subject),
      verdict,
      `${found}: it may fetch the latest profile, or make a new one`,
      'readonly: true; or leave it out, since the node has the profiles that the manifest names',
      'S14',
      'S3',
    ),
  ];
}

/** A call may go on over lines: to the parenthesis that closes it, or through lines that end in a comma. */
const LONGEST_CALL = 40;

function callText(line: Line, lines: readonly Line[]): string {
  const parts: string[] = [];
  let open = 0;
  for (const { text } of lines.slice(line.number - 1, line.number - 1 + LONGEST_CALL)) {
    parts.push(text);
    open += text.split('(').length - text.split(')').length;
    if (open <= 0 && !/,\s*$/.test(text)) break;
  }
  return parts.join('\n');
}

function mixture(name: string, lines: readonly Line[]): readonly Finding[] {
  const automatic = lines.find(({ text }) => AUTOMATIC.test(text));
  if (automatic === undefined) return [];
  const explicit = lines.find(({ text }) => {
    const [, double, single, bare] = SPECIFIER.exec(text) ?? [];
    const value = double ?? single ?? bare ?? '';
    return value !== '' && (namedProfile(value) !== null || isVariable(value));
  });
  const subject = `${name}:${automatic.number}`;
  return [
    explicit === undefined
      ? wrong(
          about('automatic-style', subject),
          'warn',
          'automatic signing: Xcode picks a profile of its own',
          'CODE_SIGN_STYLE=Manual, with the profile of each target by UUID',
          'S14',
        )
      : wrong(
          about('mixed-signing', subject),
          'fail',
          `automatic signing beside an explicit profile on line ${explicit.number}`,
          'CODE_SIGN_STYLE=Manual: automatic signing is never mixed with explicit profiles',
          'S14',
        ),
  ];
}
