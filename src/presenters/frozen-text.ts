import { signingSentence, type SigningFinding } from '../domain/project-review.js';

/** What a freeze says of itself. */
export interface FrozenView {
  readonly line: string;
  readonly sha256: string;
  readonly profiles: number;
  /** Whether it is the line's first manifest now. */
  readonly head: boolean;
  readonly signing: readonly SigningFinding[];
  readonly warnings: readonly string[];
}

interface Pen {
  styled(text: string, style: 'yellow'): string;
}

const profilesText = (count: number): string => (count === 1 ? '1 profile' : `${count} profiles`);

export const frozenText = ({ line, sha256, profiles, head }: Pick<FrozenView, 'line' | 'sha256' | 'profiles' | 'head'>): string =>
  `Froze ${profilesText(profiles)} as ${sha256}${head ? `, the first manifest of ${line}` : ''}.`;

/** Lines of one kind that people still read. */
const MOST = 20;

function few(lines: readonly string[]): readonly string[] {
  return lines.length <= MOST ? lines : [...lines.slice(0, MOST), `  and ${lines.length - MOST} more; --json shows all`];
}

/** What Xcode may still choose by itself, and what could not be read: none of it stops a freeze. */
export function warningsText({ signing, warnings }: Pick<FrozenView, 'signing' | 'warnings'>, pen: Pen): readonly string[] {
  const about = (verdict: SigningFinding['verdict'], heading: string): readonly string[] => {
    const findings = signing.filter((finding) => finding.verdict === verdict);
    return findings.length === 0 ? [] : [heading, ...few(findings.map((finding) => `  ${signingSentence(finding)}`))];
  };
  return [
    ...few(warnings.map((warning) => `${pen.styled('Warning', 'yellow')}: ${warning}.`)),
    ...about(
      'refused',
      `${pen.styled('To mend before a rotation', 'yellow')}, for by these Xcode may take another profile than the manifest's wherever a build goes without reseal's settings:`,
    ),
    ...about('warned', `${pen.styled('Allowed by the policy', 'yellow')} (specifiers: warn), and the same to Xcode:`),
  ];
}
