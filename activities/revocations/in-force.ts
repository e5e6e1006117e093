import type { LineName, Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import { goneCertificates, type TeamCertificates } from '../../src/domain/gone-certificates.js';
import type { Manifest } from '../../src/domain/manifest.js';
import { diffManifests } from '../../src/domain/manifest-changes.js';
import {
  claimCommand,
  deadInWords,
  emergencyCommand,
  revokedAmong,
  signingCertificates,
  type DeadCertificate,
} from '../../src/domain/revocations.js';
import { manifestOf, situationOf, type Surroundings } from '../rotation/surroundings.js';
import { revocationsOn } from './known.js';

/** Certificates that a line signs with now and that are revoked, or said to be; with what people do about each, as sentences without their full stop. */
export async function revokedInForce(around: Surroundings, line: LineName, manifest: Manifest): Promise<readonly string[]> {
  const { revocations } = await revocationsOn(around, line);
  return revokedAmong(revocations, signingCertificates(manifest, manifest.profiles)).map((dead) => withRemedy(line, dead));
}

export const withRemedy = (line: LineName, dead: DeadCertificate): string =>
  dead.standing.kind === 'revoked'
    ? `${deadInWords(dead)}, and ${line} signs with it; put successors with another certificate where it looks for them, then: ${emergencyCommand(line, dead.certificate.sha1 ?? '')}`
    : `${deadInWords(dead)}, and ${line} signs with it; find out whether it is, then sign for it: ${claimCommand(dead.certificate)}`;

/** Of what a rotation replaces: certificates of the old assets that are revoked, or said to be, and that it would go back to. */
export async function revokedBehind(
  around: Surroundings,
  line: LineName,
  { from, to }: { readonly from: Sha256; readonly to: Sha256 },
): Promise<readonly string[]> {
  const { revocations } = await revocationsOn(around, line);
  if (revocations.length === 0) return [];
  const { store } = situationOf(around, line);
  const [before, after] = await Promise.all([manifestOf(store, from), manifestOf(store, to)]);
  const old = diffManifests(before, after).changed.map((change) => change.before);
  return revokedAmong(revocations, signingCertificates(before, old)).map((dead) =>
    dead.standing.kind === 'revoked'
      ? `the old ${deadInWords(dead)}: a rollback goes to what cannot sign any more; go forward: ${emergencyCommand(line, dead.certificate.sha1 ?? '')}`
      : `the old ${deadInWords(dead)}: find out whether it is before anything goes back to it, then sign for it: ${claimCommand(dead.certificate)}`,
  );
}

/**
 * Certificates that a line signs with and that a source of its team does not list any more: whether Apple has revoked them, a person finds out and signs for. A source that cannot be
 * asked tells nothing here: it is told for what it is where successors are looked for.
 */
export async function goneFromSources(around: Surroundings, line: LineName, manifest: Manifest): Promise<readonly string[]> {
  const { declaration } = situationOf(around, line);
  const { revocations } = await revocationsOn(around, line);
  const asked = await Promise.all(
    declaration.sources.map(async (name) => {
      const found = await certificatesAt(around, name);
      const gone = found === null ? [] : goneCertificates(manifest, found, revocations, around.clock());
      return gone.map(
        (sha1) =>
          `source ${name} does not list certificate ${sha1.slice(0, 8)} any more, and ${line} signs with it: it was revoked, or deleted there, which revokes it too; find out, then sign for it: reseal revoke record ${sha1} --source ${name} --reason TEXT --as PERSON --ticket TICKET, with --mistaken instead of --source where it is not`,
      );
    }),
  );
  return asked.flat();
}

async function certificatesAt(around: Surroundings, name: string): Promise<TeamCertificates | null> {
  const source = around.source(name);
  try {
    return (await source.certificates?.()) ?? null;
  } catch (error) {
    if (error instanceof ResealError) return null;
    throw error;
  }
}
