import { createHash } from 'node:crypto';
import { ResealError } from '../../domain/errors.js';
import type { GateBinding } from '../../domain/rotation/statement.js';
import { parseManifest } from '../../manifest/parse.js';
import { changesView, type ChangeView, type RotationView } from '../../presenters/rotation.js';
import { canonicalDigest } from '../../statement/person.js';
import type { ApiClient } from '../api-client.js';

/**
 * What a person approves, made here out of the bytes whose digests they sign: whoever speaks for the control API cannot show one thing and have
 * another one signed.
 * @throws ResealError DIGEST_MISMATCH where what it shows is not what it has people sign
 */
export async function whatIsSigned(api: ApiClient, { rotation }: RotationView, binds: GateBinding): Promise<readonly ChangeView[]> {
  if (rotation.gate.canary === null || canonicalDigest(rotation.gate.canary) !== binds.canaryReport)
    throw mismatch('what the canary has shown', binds.canaryReport);
  const read = async (digest: string): Promise<ReturnType<typeof parseManifest>> => {
    const bytes = await api.bytes(`/v1/lines/${encodeURIComponent(rotation.line)}/manifests/${digest}`);
    if (createHash('sha256').update(bytes).digest('hex') !== digest) throw mismatch('the manifest', digest);
    return parseManifest(bytes, `manifests/${digest}.json`);
  };
  return changesView(await read(binds.from), await read(binds.to));
}

const mismatch = (what: string, digest: string): ResealError =>
  new ResealError(
    'DIGEST_MISMATCH',
    `The control API shows ${what} of another digest than ${digest}, which is to be signed. Nothing was signed; find out who answers there.`,
  );
