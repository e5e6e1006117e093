import type { Instant, LineName, Sha1 } from '../brands.js';
import { keyAlias } from '../key-alias.js';
import type { CheckResult } from './probe.js';

/** An alias as a sidecar tells it. */
export type SeenAlias =
  | { readonly alias: string; readonly certificate: Sha1; readonly expiresAt: string }
  /** It cannot sign, in a sentence. */
  | { readonly alias: string; readonly trouble: string };

export interface SeenSidecar {
  readonly aliases: readonly SeenAlias[];
  readonly signer: 'rcodesign' | 'stand-in';
}

export interface SidecarQuestion {
  readonly node: string;
  readonly line: LineName;
  readonly environment: 'simulated' | 'other';
  /** Those that manifests of the line name: in force, and to come into force. */
  readonly identities: readonly Sha1[];
  readonly now: Instant;
}

/** Whether a node's sidecar can sign with each identity: an alias of its name, with that certificate, not expired. */
export function judgeSidecar(question: SidecarQuestion, seen: SeenSidecar): CheckResult {
  const { node, environment, identities } = question;
  const problems = [
    ...(seen.signer === 'stand-in' && environment === 'other'
      ? ['its sidecar runs with signer: stand-in, which signs nothing; give it rcodesign']
      : []),
    ...identities.flatMap((identity) => problemOf(question, identity, seen.aliases)),
  ];
  const [first] = problems;
  if (first === undefined)
    return {
      check: 'sidecar',
      verdict: 'pass',
      reason: `the sidecar holds ${inWords(identities.length)}`,
      evidence: { aliases: identities.length },
    };
  const more = problems.length === 1 ? '' : ` (and ${problems.length - 1} more)`;
  return { check: 'sidecar', verdict: 'fail', reason: `Node ${node}: ${first}${more}.`, evidence: { problems: problems.length } };
}

function problemOf({ line, now }: SidecarQuestion, identity: Sha1, aliases: readonly SeenAlias[]): readonly string[] {
  const alias = keyAlias(line, identity);
  const found = aliases.find((one) => one.alias === alias);
  if (found === undefined) return [`its sidecar has no alias ${alias}; add it there, with the key of certificate ${identity}`];
  if ('trouble' in found) return [`its sidecar cannot use the key of ${alias}: ${found.trouble.replace(/\.$/, '')}`];
  if (found.certificate !== identity)
    return [`the alias ${alias} at its sidecar is of certificate ${found.certificate}, expected ${identity}; correct it there`];
  if (Date.parse(found.expiresAt) <= now) return [`the certificate of ${alias} at its sidecar expired ${found.expiresAt}`];
  return [];
}

const inWords = (count: number): string => (count === 1 ? 'the key of the identity' : `the keys of ${count} identities`);
