import { someOf } from '../some-of.js';
import { descriptionOf, type Bundle } from './bundle.js';
import type { NamedIdentity } from './build-request.js';
import { fine, wrong, type Finding } from './finding.js';
import type { ComparedNode, IdentityLook, ListedIdentity, TriageInput } from './input.js';

const about = (check: string, subject: string) => ({ stage: 'identities', check, subject }) as const;

/** Identity summaries of this machine and of the nodes that are compared, against what the profiles allow to sign with. */
export function judgeIdentities(input: TriageInput): readonly Finding[] {
  return [...ofThisMachine(input), ...namedInBuild(input), ...ofNodes(input)];
}

type ReadLook = IdentityLook & { readonly state: 'read' };

function ofThisMachine(input: TriageInput): readonly Finding[] {
  const look = input.identities;
  if (look.state === 'none') return [];
  const usable = look.valid.filter((row) => row.annotation === null);
  const bundles = input.artifact?.bundles ?? [];
  const findings = [...sameName(usable, input), ...bundles.flatMap((bundle) => ofBundle(bundle, look, usable))];
  if (findings.length > 0) return findings;
  return usable.length === 0
    ? [
        wrong(
          about('no-identity', ''),
          'fail',
          'no identity of the keychains here is usable for signing',
          'Unlock the keychain that has it, in the session that builds (security find-identity -v -p codesigning)',
          'S5',
          'S7',
        ),
      ]
    : [fine(about('identity', ''), `${usable.length === 1 ? 'one identity is' : `${usable.length} identities are`} usable here`)];
}

function ofBundle({ path, profile }: Bundle, look: ReadLook, usable: readonly ListedIdentity[]): readonly Finding[] {
  const described = descriptionOf(profile);
  if (described === null) return [];
  const allowed = described.certificates;
  const mine = usable.filter((row) => allowed.some((one) => one.sha1 === row.sha1));
  if (mine.length > 0)
    return [
      fine(
        about('identity', path),
        `${mine.map((row) => `${row.sha1.slice(0, 8)} "${row.label}"`).join(', ')} is here, and the profile allows it`,
      ),
    ];
  const unusable = look.matching.find((row) => allowed.some((one) => one.sha1 === row.sha1));
  const names = someOf(allowed.map((one) => `${one.sha1.slice(0, 8)} "${one.commonName}"`));
  const found =
    unusable === undefined
      ? `the profile allows ${names || 'no certificate at all'}, and no keychain here has an identity of it`
      : `${unusable.sha1.slice(0, 8)} "${unusable.label}" is here, and is unusable${unusable.annotation === null ? ': macOS does not take it for valid' : ` (${unusable.annotation})`}`;
  return [
    wrong(
      about('identity-missing', path),
      'fail',
      found,
      'Bring the identity that the manifest names to this node (reseal certificate import), or build where it is',
      'S5',
      'S7',
    ),
  ];
}

/** An expired and a renewed certificate have one name: whoever signs by it gets either, or `ambiguous`. */
function sameName(usable: readonly ListedIdentity[], { request }: TriageInput): readonly Finding[] {
  const byName = new Map<string, ListedIdentity[]>();
  for (const row of usable) byName.set(row.label, [...(byName.get(row.label) ?? []).filter((one) => one.sha1 !== row.sha1), row]);
  return [...byName].flatMap(([label, rows]) => {
    if (rows.length < 2) return [];
    const asked = request?.settings.get('CODE_SIGN_IDENTITY');
    const isAsked = asked !== undefined && label.startsWith(asked);
    const evidence = `${rows.map((row) => row.sha1.slice(0, 8)).join(' and ')} are both called "${label}"${isAsked ? ', and the build signs by that name' : ''}`;
    return [wrong(about('ambiguous-identity', ''), isAsked ? 'fail' : 'warn', evidence, 'Sign by SHA-1, never by name', 'S3', 'S5')];
  });
}

/** What the build says it signs with, against the profile of that product. */
function namedInBuild({ request, artifact }: TriageInput): readonly Finding[] {
  return (request?.targets ?? []).flatMap(({ name, identity, source }) => {
    const bundle = artifact?.bundles.find(({ product }) => product === name);
    const profile = bundle === undefined ? null : descriptionOf(bundle.profile);
    if (bundle === undefined || profile === null || identity === null || allows(profile.certificates, identity)) return [];
    const named = identity.by === 'sha1' ? identity.sha1.slice(0, 8) : `"${identity.name}"`;
    const where = source === 'log' ? "the log's CodeSign step" : 'the rendered settings';
    return [
      wrong(
        about('certificate-not-in-profile', bundle.path),
        'fail',
        `${where} signs with ${named}, which ${profile.uuid} "${profile.name}" does not hold`,
        'Sign with a certificate that the profile holds, by SHA-1',
        'S10',
      ),
    ];
  });
}

const allows = (certificates: readonly { readonly sha1: string; readonly commonName: string }[], identity: NamedIdentity): boolean =>
  certificates.some((one) => (identity.by === 'sha1' ? one.sha1 === identity.sha1 : one.commonName.startsWith(identity.name)));

function ofNodes({ nodes }: TriageInput): readonly Finding[] {
  if (nodes === null) return [];
  const { failing, passing, differences } = nodes;
  const unlike = differences.filter(({ what }) => what === 'identity summary' || what === 'usable identities');
  return [
    ...[failing, passing].flatMap((node) => withoutIdentity(node)),
    ...unlike.map(({ line, what, one, other }) =>
      wrong(
        about('identities-differ', failing.name),
        'fail',
        `${what} on ${line}: ${brief(one)} on ${failing.name}, ${brief(other)} on ${passing.name}`,
        `Look at what each can sign with: reseal node probe ${failing.name} ${passing.name}`,
        'S7',
      ),
    ),
    ...(unlike.length === 0
      ? [fine(about('identities-alike', failing.name), `${failing.name} and ${passing.name} can sign with the same identities`)]
      : []),
  ];
}

const withoutIdentity = ({ name, lines }: ComparedNode): readonly Finding[] =>
  lines
    .filter(({ usableIdentities }) => usableIdentities === 0)
    .map(({ line }) =>
      wrong(
        about('no-identity', name),
        'fail',
        `${name} has keychains and no usable identity on ${line}`,
        `reseal node probe ${name} says which keychain is locked or empty`,
        'S5',
        'S7',
      ),
    );

/** Digests are told apart by their beginnings. */
export const brief = (value: string): string => value.replaceAll(/\b([0-9a-f]{12})[0-9a-f]{52}\b/g, '$1');
