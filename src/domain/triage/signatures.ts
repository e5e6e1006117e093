import { covers } from '../entitlements.js';
import type { PlainValue, ProfileDescription } from '../profile.js';
import { descriptionOf, type Bundle, type BundleSignature, type Seal } from './bundle.js';
import { fine, wrong, type Finding } from './finding.js';
import type { TriageInput } from './input.js';

const about = (check: string, subject: string) => ({ stage: 'signature', check, subject }) as const;
const AGAIN = 'Sign it again, inside first: extensions, then the host';

type Signed = BundleSignature & { readonly state: 'signed' };

/** Team, Authority and Sealed Resources of each bundle, and what it is entitled to beyond its profile. */
export function judgeSignatures({ artifact, at }: TriageInput): readonly Finding[] {
  const bundles = artifact?.bundles ?? [];
  return bundles.flatMap((bundle) => judgeBundle(bundle, bundles[0] ?? bundle, at));
}

function judgeBundle(bundle: Bundle, host: Bundle, at: number): readonly Finding[] {
  const { path, signature } = bundle;
  switch (signature.state) {
    case 'none':
      return [wrong(about('not-signed', path), 'fail', 'it is not signed at all', AGAIN, 'S10')];
    case 'unreadable':
      return [wrong(about('signature-unreadable', path), 'fail', signature.reason, 'Build and sign it again', 'S10')];
    case 'ad-hoc':
      return [
        wrong(
          about('ad-hoc', path),
          'fail',
          'it is signed ad hoc: nobody vouches for it (Signature=adhoc, TeamIdentifier=not set)',
          AGAIN,
          'S10',
        ),
        ...sealed(path, signature.seal),
      ];
    case 'signed': {
      const problems = [
        ...signer(bundle, signature, at),
        ...beside(bundle, signature, host),
        ...entitled(bundle, signature),
        ...sealed(path, signature.seal),
      ];
      return problems.length > 0 ? problems : [fine(about('signature', path), fineText(signature))];
    }
  }
}

function fineText({ team, authorities, seal, source }: Signed): string {
  const files = seal.state === 'sealed' ? `${seal.files} sealed files` : 'nothing sealed';
  return `Team ${team ?? 'not set'}, Authority ${authorities.join(' > ') || 'none'}, ${files}${source === 'codesign' ? ' (codesign -dvvv)' : ''}`;
}

function signer(bundle: Bundle, signature: Signed, at: number): readonly Finding[] {
  const { path } = bundle;
  const profile = descriptionOf(bundle.profile);
  const findings: Finding[] = [];
  if (!signature.made)
    findings.push(
      wrong(
        about('signature-broken', path),
        'fail',
        'the key of the certificate in it did not make its signature: it was changed after signing',
        AGAIN,
        'S10',
      ),
    );
  if (signature.signer === null)
    findings.push(wrong(about('no-authority', path), 'fail', 'its signature embeds no certificate of its signer', AGAIN, 'S10'));
  else {
    const named = `${signature.signer.sha1.slice(0, 8)} "${signature.signer.commonName}"`;
    if (profile !== null && !profile.certificates.some((one) => one.sha1 === signature.signer?.sha1))
      findings.push(
        wrong(
          about('certificate-not-in-profile', path),
          'fail',
          `signed with ${named}, which ${profile.uuid} "${profile.name}" does not hold`,
          'Sign with a certificate that the profile holds, by SHA-1, or put the profile in force that holds this one',
          'S10',
        ),
      );
    if (Date.parse(signature.signer.notAfter) <= at)
      findings.push(
        wrong(
          about('certificate-expired', path),
          'fail',
          `signed with ${named}, which expired on ${signature.signer.notAfter.slice(0, 10)}`,
          'Sign again with its successor',
          'S5',
        ),
      );
    if (signature.authorities.length < 2)
      findings.push(
        wrong(
          about('chain-incomplete', path),
          'warn',
          `no Authority stands above ${named}: the signer's keychain had no issuer of it`,
          "Put Apple's WWDR intermediate into the signer's keychain, and sign again",
          'S5',
        ),
      );
  }
  if (profile !== null && signature.team !== profile.team)
    findings.push(
      wrong(
        about('other-team', path),
        'fail',
        `signed for team ${signature.team ?? 'not set'}, and its profile is of team ${profile.team}`,
        'Sign with an identity and a profile of one team',
        'S10',
      ),
    );
  if (bundle.bundleId !== null && signature.identifier !== bundle.bundleId)
    findings.push(
      wrong(
        about('other-identifier', path),
        'fail',
        `the signature is for ${signature.identifier ?? 'nobody'}, and Info.plist says ${bundle.bundleId}: it was changed after signing`,
        AGAIN,
        'S10',
      ),
    );
  return findings;
}

/** During a rotation of the certificate, one of two signed with the old one fails where both are checked together. */
function beside(bundle: Bundle, { signer: mine }: Signed, host: Bundle): readonly Finding[] {
  if (bundle === host || host.signature.state !== 'signed') return [];
  const theirs = host.signature.signer;
  if (mine === null || theirs === null || mine.sha1 === theirs.sha1) return [];
  return [
    wrong(
      about('other-signer', bundle.path),
      'warn',
      `signed with ${mine.sha1.slice(0, 8)}, and ${host.path} with ${theirs.sha1.slice(0, 8)}`,
      'Sign host and extensions with one certificate',
      'S10',
    ),
  ];
}

/** Of macOS's sandbox: claimed by the app alone, never granted by a profile (Apple's TN3125). */
const UNRESTRICTED = /^com\.apple\.security\.(?!application-groups$)/;

function entitled({ path, profile }: Bundle, { entitlements }: Signed): readonly Finding[] {
  const described = descriptionOf(profile);
  if (described === null || entitlements === null) return [];
  const beyond = Object.entries(entitlements).filter(([key, value]) => !isGranted(described, key, value));
  return beyond.map(([key, value]) => {
    const granted = Object.hasOwn(described.entitlements, key) ? described.entitlements[key] : undefined;
    const found = granted === undefined ? 'the profile does not grant it' : `the profile grants ${JSON.stringify(granted)}`;
    return wrong(
      about('entitlement-beyond-profile', path),
      'fail',
      `it claims ${key} ${JSON.stringify(value)}, and ${found}`,
      'Switch the capability on for the App ID and make the profile anew, or take the entitlement away',
      'S10',
    );
  });
}

/** A permission that is claimed as not had (`false`) needs none. */
function isGranted({ entitlements, platforms }: ProfileDescription, key: string, value: PlainValue): boolean {
  if (value === false) return true;
  if (platforms.some((one) => one === 'OSX' || one === 'macOS') && UNRESTRICTED.test(key)) return true;
  const granted = Object.hasOwn(entitlements, key) ? entitlements[key] : undefined;
  return granted !== undefined && covers(granted, value);
}

function sealed(path: string, seal: Seal): readonly Finding[] {
  switch (seal.state) {
    case 'none':
      return [wrong(about('not-sealed', path), 'fail', 'Sealed Resources=none: there is no _CodeSignature/CodeResources', AGAIN, 'S10')];
    case 'unreadable':
      return [wrong(about('seal-unreadable', path), 'fail', seal.reason, AGAIN, 'S10')];
    case 'sealed':
      return [
        ...(seal.bound
          ? []
          : [wrong(about('seal-replaced', path), 'fail', '_CodeSignature/CodeResources is not the one that was signed', AGAIN, 'S10')]),
        ...(seal.profileAsSealed === false
          ? [
              wrong(
                about('profile-replaced', path),
                'fail',
                'embedded.mobileprovision is not the one that was sealed: it was put there after signing',
                AGAIN,
                'S10',
                'R2',
              ),
            ]
          : []),
      ];
  }
}
