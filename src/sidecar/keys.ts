import { X509Certificate } from 'node:crypto';
import { constants, closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { describeFinding } from '../configuration/finding.js';
import { readSource, validate } from '../configuration/document.js';
import { ResealError } from '../domain/errors.js';
import { factsOf, readPkcs12, type IdentityFacts } from '../identity/pkcs12.js';
import { SidecarSchema, type AliasDeclaration, type SidecarFile } from '../schema/sidecar.js';
import type { TellableAlias } from './wire.js';

/** What a sidecar holds: `sidecar.yaml` with absolute paths, and its aliases with their certificates. */
export interface SidecarKeys {
  readonly socket: string;
  readonly index: string;
  readonly signer: SidecarFile['signer'];
  readonly chain: string | null;
  readonly aliases: ReadonlyMap<string, HeldKey | { readonly trouble: string }>;
}

/** A key that signs, by where rcodesign finds it. Nothing of the key itself is kept here. */
export interface HeldKey {
  readonly facts: IdentityFacts;
  readonly certificatePem: string;
  readonly place:
    | { readonly p12: string; readonly passwordFile: string }
    | { readonly options: readonly string[]; readonly environment: readonly string[] };
}

/**
 * Reads `sidecar.yaml` and looks into every key that is a file. A key that cannot be used is that alias's trouble: the others sign.
 * @throws ResealError CONFIG_MISSING, CONFIG_INVALID
 */
export function readKeys(path: string): SidecarKeys {
  const read = readSource('sidecar.yaml', path);
  if (read === null) throw new ResealError('CONFIG_MISSING', `There is no ${path}. docs/sidecar.md shows one.`);
  const checked = read.findings.length > 0 ? { findings: read.findings } : validate(read.file, SidecarSchema);
  if ('findings' in checked)
    throw new ResealError('CONFIG_INVALID', `${path} cannot be used.`, { details: checked.findings.map(describeFinding) });
  const { value } = checked;
  const below = (name: string): string => resolve(dirname(path), name);
  return {
    socket: below(value.socket),
    index: below(value.index),
    signer: value.signer,
    chain: value.chain === undefined ? null : below(value.chain),
    aliases: new Map(Object.entries(value.aliases).map(([alias, declared]) => [alias, heldKey(declared, below)])),
  };
}

function heldKey(declared: AliasDeclaration, below: (name: string) => string): HeldKey | { readonly trouble: string } {
  try {
    return 'p12' in declared ? keyOfFile(below(declared.p12.file), below(declared.p12.passwordFile)) : keyElsewhere(declared, below);
  } catch (error) {
    if (!(error instanceof ResealError)) throw error;
    return { trouble: error.message };
  }
}

function keyOfFile(p12: string, passwordFile: string): HeldKey {
  const password = readSecret(passwordFile).toString('utf8').split('\n')[0] ?? '';
  const { facts, certificatePem } = readPkcs12(readSecret(p12), password, p12);
  return { facts, certificatePem, place: { p12, passwordFile } };
}

/** A key in a smart card, a keychain or at a remote signer: what signs with it is known by its certificate. */
function keyElsewhere(
  { certificate: file, rcodesign }: Extract<AliasDeclaration, { rcodesign: unknown }>,
  below: (name: string) => string,
): HeldKey {
  const path = below(file);
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(readFileSync(path));
  } catch (cause) {
    throw new ResealError('FILE_UNREADABLE', `${path} is no certificate that can be read. Expected is one in PEM or DER.`, { cause });
  }
  const environment = rcodesign.filter((_, index) => rcodesign[index - 1]?.endsWith('-env') === true);
  const options = rcodesign.map((word, index) => (rcodesign[index - 1]?.endsWith('-file') === true ? below(word) : word));
  return { facts: factsOf(certificate), certificatePem: certificate.toString(), place: { options, environment } };
}

/** A file of this account that nobody else reads. @throws ResealError FILE_UNREADABLE */
function readSecret(path: string): Buffer {
  const unusable = (why: string, cause?: unknown): ResealError =>
    new ResealError('FILE_UNREADABLE', `${path} is not used: ${why}. Expected is a file of the sidecar's account, mode 0600 or 0400.`, {
      cause,
    });
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (cause) {
    throw unusable(
      cause instanceof Error && 'code' in cause ? `it cannot be opened (${String(cause.code)})` : 'it cannot be opened',
      cause,
    );
  }
  try {
    const stat = fstatSync(file);
    if (!stat.isFile()) throw unusable('it is no file');
    if (stat.uid !== (process.getuid?.() ?? stat.uid)) throw unusable(`it belongs to user ${stat.uid}`);
    if ((stat.mode & 0o077) !== 0) throw unusable(`others may read it (mode 0${(stat.mode & 0o777).toString(8)})`);
    return readFileSync(file);
  } finally {
    closeSync(file);
  }
}

/** As it is told to whoever asks. */
export const tellable = (alias: string, key: HeldKey | { readonly trouble: string }): TellableAlias =>
  'trouble' in key
    ? { alias, trouble: key.trouble }
    : { alias, certificate: key.facts.sha1, commonName: key.facts.commonName, team: key.facts.team, expiresAt: key.facts.expiresAt };
