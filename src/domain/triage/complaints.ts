import type { BuildRequest } from './build-request.js';
import { wrong, type Finding, type Requirement, type Stage } from './finding.js';

interface Known {
  readonly check: string;
  readonly pattern: RegExp;
  readonly stage: Stage;
  readonly remedy: string;
  readonly violates: readonly Requirement[];
}

/** Sentences of Xcode 12 to 16 and of codesign, by public CI logs and mac-tools.md; the first that fits says the most. */
const KNOWN: readonly Known[] = [
  {
    check: 'mixed-signing',
    pattern:
      /conflicting provisioning settings|is automatically signed.*manually specified|automatically signed for development, but a conflicting/i,
    stage: 'settings',
    remedy:
      'Sign manually in every target: CODE_SIGN_STYLE=Manual, with the profile by UUID; or give -xcconfig with the settings that reseal renders',
    violates: ['S14'],
  },
  {
    check: 'certificate-not-in-profile',
    pattern: /doesn't include signing certificate/i,
    stage: 'identities',
    remedy: 'Sign with a certificate that the profile holds, by SHA-1, or put the successor in force that holds this one',
    violates: ['S10'],
  },
  {
    check: 'no-certificate',
    pattern: /No signing certificate ".*" found|: no identity found\s*$|No certificate for team .* matching/i,
    stage: 'identities',
    remedy: 'Look at the keychains of the node in the session that builds: reseal node probe NODE',
    violates: ['S5', 'S7'],
  },
  {
    check: 'internal-component',
    pattern: /errSecInternalComponent/,
    stage: 'identities',
    remedy:
      'The keychain is locked, its partition list is missing, or the build runs in another login session: reseal node probe NODE tells which',
    violates: ['S5'],
  },
  {
    check: 'ambiguous-identity',
    pattern: /: ambiguous \(matches /,
    stage: 'identities',
    remedy: 'Sign by the SHA-1 of the certificate, not by its name: two certificates bear it',
    violates: ['S3', 'S5'],
  },
  {
    check: 'profile-without-capability',
    pattern: /Provisioning profile ".*" doesn't (?:support|include) the /i,
    stage: 'embedded-profile',
    remedy: 'Put in force a profile that grants it; the successor must not be narrower than what it replaces',
    violates: ['S10'],
  },
  {
    check: 'profile-unfit',
    pattern: /Provisioning profile ".*" (?:expired|is not an?|has app ID|belongs to team)|has expired/i,
    stage: 'embedded-profile',
    remedy: 'Name the UUID that the manifest in force has for this target',
    violates: ['S2', 'S3'],
  },
  {
    check: 'no-profile',
    pattern: /No profiles? (?:for|matching) .*(?:found|matching)|requires a provisioning profile|No profile for team '/i,
    stage: 'embedded-profile',
    remedy: 'The node has no such profile, or the target names none: compare it with a node that passes (--node N --against M)',
    violates: ['S2'],
  },
];

const knownOf = (text: string): Known | undefined => KNOWN.find(({ pattern }) => pattern.test(text));

/** Lines longer than this are compilers' commands, not sentences for people. */
const LONGEST = 2_000;

export const isComplaint = (text: string): boolean =>
  text.length < LONGEST && /error|errSec|: no identity found|: ambiguous \(/i.test(text) && knownOf(text) !== undefined;

/** What the log itself gives as the reason, put into its place in the order. */
export function judgeComplaints({ complaints }: BuildRequest): readonly Finding[] {
  return complaints.flatMap(({ text, line }) => {
    const known = knownOf(text);
    if (known === undefined) return [];
    return [
      wrong(
        { stage: known.stage, check: known.check, subject: `log:${line}` },
        'fail',
        `the log says: ${text}`,
        known.remedy,
        ...known.violates,
      ),
    ];
  });
}
