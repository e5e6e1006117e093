import { ResealError } from '../../src/domain/errors.js';
import type { VerifiedProfiles } from '../../src/profile/index.js';
import type { ResealConfiguration } from '../../src/schema/reseal.js';
import { createAppStoreConnectSource } from './app-store-connect/source.js';
import type { ProfileSource } from './contract.js';
import { createDropSource } from './drop.js';
import { MatchRepository } from './match/repository.js';
import { createMatchSource } from './match/source.js';
import { readSecret, type Secret, type SecretSource } from '../../src/secret/read-secret.js';

/** What sources need besides what reseal.yaml says of them. */
export interface SourceSurroundings {
  /** Absolute folder of this machine for clones of repositories. */
  readonly clones: string;
  readonly profiles: VerifiedProfiles;
  /** Names of the topology's nodes: whom a drop folder may hold profiles for. */
  readonly holders: readonly string[];
  /** Where variables with secrets are. */
  readonly environment: NodeJS.ProcessEnv;
}

/**
 * A source of reseal.yaml. It reaches nothing by itself.
 * @throws ResealError CONFIG_INVALID where reseal.yaml has no source of that name
 */
export function openDeclaredSource(
  { sources, ssh }: Pick<ResealConfiguration, 'sources' | 'ssh'>,
  name: string,
  around: SourceSurroundings,
): ProfileSource {
  const declared = sources[name];
  if (declared === undefined) throw new ResealError('CONFIG_INVALID', `reseal.yaml has no source ${name}.`);
  const { profiles, clones, holders, environment } = around;
  const secretFrom = secretOf(environment);
  switch (declared.kind) {
    case 'drop':
      return createDropSource({ name, folder: declared.path, profiles, holders });
    case 'match': {
      const { url, branch, timeout, passphrase, writeBack } = declared;
      const repository = new MatchRepository({ name, url, branch, timeout, clones, ssh });
      const secret = secretFrom(passphrase, `The passphrase of source ${name}`, `sources.${name}.passphrase`);
      return createMatchSource({ name, repository, profiles, passphrase: secret, successors: writeBack ? 'written-back' : 'read' });
    }
    case 'app-store-connect': {
      const { url, keyId, issuerId, key, timeout, successors } = declared;
      const apiKey = { keyId, issuerId, key: secretFrom(key, `The key of source ${name}`, `sources.${name}.key`) };
      return createAppStoreConnectSource({ name, url, apiKey, timeout, profiles, successors });
    }
  }
}

const secretOf =
  (environment: NodeJS.ProcessEnv) =>
  (source: SecretSource, what: string, field: string): Secret =>
  () =>
    readSecret(source, what, field, environment);
