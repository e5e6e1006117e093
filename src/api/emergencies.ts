import type { LineName } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';
import { revokedIn, type RevokedCertificate } from '../domain/revoked-certificate.js';
import type { RotationStatus } from '../domain/rotation/status.js';
import { headOf, situationOf, type Surroundings } from '../../activities/rotation/surroundings.js';

/**
 * The certificate in force on a line that somebody names as revoked.
 * @param text its serial number, the last six digits or more of that, or its SHA-1
 * @throws ResealError NOT_FOUND, REFUSED where the line has no manifest in force
 */
export async function revokedOn(around: Surroundings, line: LineName, text: string): Promise<RevokedCertificate> {
  const { manifest } = await headOf(situationOf(around, line).store, line);
  const found = revokedIn(manifest, text);
  if (!('reason' in found)) return found;
  throw new ResealError('NOT_FOUND', `--revoked is ${JSON.stringify(text)}, and ${found.reason}. Nothing was started.`);
}

/** What ends a rotation, the quickest first. */
const WAYS = ['cancel', 'rollback'] as const;

/** What people do where an emergency is asked for and the line has something in flight; a sentence. */
export function insteadOfEmergency(running: RotationStatus | null): string {
  if (running === null) return 'See `reseal rotation list`.';
  const { id, emergency, commands } = running;
  if (emergency !== undefined)
    return `It is an emergency already, of the certificate of serial …${emergency.serialLast6}: see \`reseal rotation status ${id}\`.`;
  const way = WAYS.find((command) => commands.includes(command));
  if (way === undefined) return `Start the emergency when it has ended: \`reseal rotation watch ${id}\`.`;
  return `End it first, and start the emergency then: \`reseal rotation ${way} ${id} --as PERSON --ticket TICKET\`.`;
}
