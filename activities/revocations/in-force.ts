import type { LineName, Sha256 } from '../../src/domain/brands.js';
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
