import type { Sha1 } from '../brands.js';
import type { Manifest, ManifestEntry } from '../manifest.js';
import type { CheckResult, CheckVerdict } from './probe.js';
import { keychainName, type SeenKeychain } from './identities.js';

/** One app to sign as a probe: the entry of a host app, and of one of its extensions where it has any. */
export interface CanaryApp {
  readonly identity: Sha1;
  readonly host: ManifestEntry;
  readonly extension: ManifestEntry | null;
}

/**
 * What a node signs to show that it can: for each identity one app with an extension, both signed with that identity where the manifest has
 * such a pair, else what comes nearest to it.
 *
 * @param entries those that the node should have
 */
export function canaryApps(identities: readonly Sha1[], entries: readonly ManifestEntry[]): readonly CanaryApp[] {
  return identities.flatMap((identity) => {
    const own = entries.filter((entry) => entry.identity === identity);
    const hosts = own.filter((entry) => entry.role === 'host');
    const extensionOf = (host: ManifestEntry): ManifestEntry | undefined =>
      own.find((one) => one.role === 'extension' && one.app === host.app && one.method === host.method && one.variant === host.variant);
    const host = hosts.find((one) => extensionOf(one) !== undefined) ?? hosts[0] ?? own[0];
    return host === undefined ? [] : [{ identity, host, extension: (host.role === 'host' ? extensionOf(host) : undefined) ?? null }];
  });
}

/** What `codesign -d` shows of signed code; null where it says nothing of it. */
export interface CodeShown {
  readonly identifier: string | null;
  readonly team: string | null;
  /** Common names, from the signer's certificate to the root. */
  readonly authorities: readonly string[];
  readonly sealedFiles: number | null;
  readonly signature: 'signed' | 'ad-hoc' | 'none';
}

/** Why `codesign` did not sign. */
export type SigningFault =
  /** `errSecInternalComponent`: locked keychain, partition list or login context; or certificates of the chain are missing. */
  | { readonly kind: 'internal-component'; readonly chainIncomplete: boolean }
  | { readonly kind: 'no-identity' | 'not-for-code' | 'ambiguous' | 'no-end' | 'no-program' }
  | { readonly kind: 'other'; readonly code: number };

/** How one step of a canary came out; `sentence` without the node's name and without a full stop. */
export interface Finding {
  readonly verdict: Exclude<CheckVerdict, 'pass'>;
  readonly sentence: string;
  /** As in `CheckResult`. */
  readonly lockedKeychain?: string;
}

const fail = (sentence: string): Finding => ({ verdict: 'fail', sentence });
const short = (sha1: string): string => sha1.slice(0, 8);

/** An authority of Apple's, one between, and the signer: fewer is no chain that a device follows. */
const SHORTEST_CHAIN = 3;

/** What is wrong with a signature that was read back; null where nothing is. */
export function judgeSignature(shown: CodeShown, entry: ManifestEntry, certificates: Manifest['certificates']): Finding | null {
  const { bundleId } = entry;
  if (shown.signature !== 'signed')
    return fail(`\`codesign\` says that it has signed ${bundleId}, and the signature is ${shown.signature}`);
  if (shown.identifier !== bundleId) return fail(`the signed identifier is ${shown.identifier ?? 'missing'}, expected ${bundleId}`);
  if (shown.team !== entry.team) return fail(`the signature of ${bundleId} has team ${shown.team ?? 'none'}, expected ${entry.team}`);
  const leaf = certificates[entry.identity]?.commonName;
  const [first] = shown.authorities;
  if (leaf !== undefined && first !== leaf)
    return fail(`${bundleId} was signed by another certificate than ${short(entry.identity)}: the first authority has another name`);
  if (shown.authorities.length < SHORTEST_CHAIN)
    return fail(
      `the signature of ${bundleId} has a chain of ${shown.authorities.length} certificates, expected at least ${SHORTEST_CHAIN} from the signer to Apple's root; install Apple's intermediate certificate on the node`,
    );
  if (shown.sealedFiles === null || shown.sealedFiles === 0) return fail(`the signature of ${bundleId} seals no resources`);
  return null;
}

/** The certificate that signs has to be among those that the embedded profile allows; nothing else notices before a device does. */
export function judgeProfileOf(entry: ManifestEntry, allowed: readonly Sha1[]): Finding | null {
  if (allowed.includes(entry.identity)) return null;
  return fail(
    `the profile ${entry.profile.uuid} of ${entry.bundleId} does not allow the certificate ${short(entry.identity)} that its manifest names; freeze a manifest whose profile was made with that certificate`,
  );
}

/**
 * Why signing failed, in words, and what to do.
 *
 * @param holders the keychains of the search list that hold the identity; null where the node does not say
 */
export function judgeSigningFault(
  fault: SigningFault,
  identity: Sha1,
  holders: readonly SeenKeychain[] | null,
  environment: 'simulated' | 'other',
): Finding {
  switch (fault.kind) {
    case 'no-program':
      if (environment === 'simulated') return { verdict: 'not-due', sentence: 'a simulated node without the tools of a Mac' };
      return { verdict: 'inconclusive', sentence: 'it has no `codesign`; look at the PATH of the account that reseal runs as' };
    case 'no-end':
      return {
        verdict: 'inconclusive',
        sentence: '`codesign` did not end in time; a window that asks for a password may be open on its screen',
      };
    case 'no-identity':
      return fail(`\`codesign\` finds no identity ${short(identity)}; import it, or put its keychain on the search list`);
    case 'not-for-code':
      return fail(`\`codesign\` does not take the identity ${short(identity)} for one that signs code; import a distribution certificate`);
    case 'ambiguous':
      return fail(`\`codesign\` takes ${short(identity)} for several identities; remove the copies that no manifest names`);
    case 'internal-component':
      return judgeInternalComponent(fault.chainIncomplete, identity, holders);
    case 'other':
      return fail(
        `\`codesign\` ended with ${fault.code} and for none of the reasons that reseal knows; sign with ${short(identity)} on the node to see what it says`,
      );
  }
}

/** One word for four causes: what the keychains show tells them apart as far as they can be told apart. */
function judgeInternalComponent(chainIncomplete: boolean, identity: Sha1, holders: readonly SeenKeychain[] | null): Finding {
  if (chainIncomplete)
    return fail(
      `\`codesign\` cannot build the chain of ${short(identity)} to Apple's root; install Apple's intermediate certificate on the node`,
    );
  const [first] = holders ?? [];
  if (first === undefined)
    return fail(
      `\`codesign\` may not use the key of ${short(identity)} (errSecInternalComponent), and its keychain is not known; look whether it is locked, then at its partition list`,
    );
  if (first.state === 'locked')
    return {
      ...fail(
        `the keychain ${keychainName(first.path)} is locked, so \`codesign\` may not use ${short(identity)} (errSecInternalComponent); unlock it in the session in which builds sign`,
      ),
      lockedKeychain: keychainName(first.path),
    };
  return fail(
    `\`codesign\` may not use the key of ${short(identity)} though the keychain ${keychainName(first.path)} is ${first.state} (errSecInternalComponent); either the key's partition list does not name \`codesign:\` (run \`security set-key-partition-list -S apple-tool:,apple:,codesign:\` on that keychain), or reseal runs outside the login session in which builds sign`,
  );
}

/** Why `xcodebuild -exportArchive` did not export. */
export type ExportFault =
  | {
      readonly kind:
        'no-end' | 'no-program' | 'no-profile' | 'profile-unfit' | 'certificate-not-in-profile' | 'no-certificate' | 'codesign';
    }
  | { readonly kind: 'other'; readonly code: number };

export function judgeExportFault(fault: ExportFault, { host, identity }: CanaryApp): Finding {
  const what = `\`xcodebuild -exportArchive\` for ${host.bundleId}`;
  switch (fault.kind) {
    case 'no-program':
      return { verdict: 'not-due', sentence: 'it has no `xcodebuild`' };
    case 'no-end':
      return { verdict: 'inconclusive', sentence: `${what} did not end in time` };
    case 'no-profile':
      return fail(`${what} finds no profile of the UUID that ExportOptions.plist names; look at the folders that its Xcode reads`);
    case 'profile-unfit':
      return fail(`${what} does not take the profile ${host.profile.uuid}: it has expired, or is of another method, team or bundle`);
    case 'certificate-not-in-profile':
      return fail(`${what} says that the profile ${host.profile.uuid} does not include the certificate ${short(identity)}`);
    case 'no-certificate':
      return fail(
        `${what} finds no valid certificate ${short(identity)} with its private key; look at the search list and the certificate`,
      );
    case 'codesign':
      return fail(`${what} was refused by \`codesign\`: look at the keychain and at the session in which reseal runs`);
    case 'other':
      return fail(`${what} ended with ${fault.code}; run it on the node to see what it says`);
  }
}

/** A canary's findings as its check: the worst counts. */
export function canaryResult(
  check: 'signing' | 'export',
  node: string,
  findings: readonly Finding[],
  good: string,
  evidence: NonNullable<CheckResult['evidence']>,
): CheckResult {
  const worst = (['fail', 'inconclusive', 'not-due'] as const).flatMap((verdict) => findings.filter((one) => one.verdict === verdict))[0];
  if (worst === undefined) return { check, verdict: 'pass', reason: good, evidence };
  const reason = worst.verdict === 'not-due' ? worst.sentence : `Node ${node}: ${worst.sentence}.`;
  const faults = findings.filter(({ verdict }) => verdict === 'fail');
  const locked = faults.every(({ lockedKeychain }) => lockedKeychain !== undefined) ? worst.lockedKeychain : undefined;
  return { check, verdict: worst.verdict, reason, evidence, ...(locked === undefined ? {} : { lockedKeychain: locked }) };
}
