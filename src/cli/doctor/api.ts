import { existsSync } from 'node:fs';
import { OidcTokens } from '../../api/oidc.js';
import { readTlsIdentity } from '../../api/tls.js';
import { ResealError } from '../../domain/errors.js';
import type { OidcDeclaration, ResealConfiguration, TlsDeclaration } from '../../schema/reseal.js';
import { fail, pass, settle, type DoctorCheck, type Finding } from './finding.js';

const DAY = 86_400_000;
/** A renewal that has not come by then is late: those who renew by themselves do so a month before. In days. */
const SOON = 14;

/** What the control API proves itself with, and who tells it whose tokens count. @param now milliseconds since 1970 */
export async function checkApi(
  { tls, oidc }: Pick<ResealConfiguration['api'], 'tls' | 'oidc'>,
  now: number,
): Promise<readonly DoctorCheck[]> {
  return [
    ...(tls === undefined ? [] : [await settle('api certificate', () => certificate(tls, now))]),
    ...(oidc === undefined ? [] : [await settle('api tokens', () => provider(oidc))]),
  ];
}

async function provider(oidc: OidcDeclaration): Promise<Finding> {
  try {
    const keys = await new OidcTokens(oidc).look();
    return pass(`${oidc.issuer} publishes ${keys} ${keys === 1 ? 'key' : 'keys'}`);
  } catch (error) {
    if (!(error instanceof ResealError) || error.code !== 'OIDC_UNREACHABLE') throw error;
    return {
      verdict: 'away',
      reason: error.message,
      remedy: 'Until it answers, the token of the home alone counts, and tokens that were verified a minute ago.',
    };
  }
}

function certificate(tls: TlsDeclaration, now: number): Finding {
  if (!existsSync(tls.key)) {
    const remedy = 'None is needed where no control API runs; for `reseal up` and `reseal server` put certificate and key there.';
    return { verdict: 'later', reason: `there is no ${tls.key} on this machine, so no control API can run on it`, remedy };
  }
  const { expiresAt, names } = readTlsIdentity(tls, now);
  const left = Math.floor((expiresAt - now) / DAY);
  const found = `${tls.certificate}: ${names}; expires on ${new Date(expiresAt).toISOString().slice(0, 10)}, in ${left} ${left === 1 ? 'day' : 'days'}`;
  return left > SOON ? pass(found) : fail(found, 'Have it renewed: a control API that runs reads the files again by itself.');
}
