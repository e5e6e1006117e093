import { randomBytes } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoreItem } from '../../../activities/manifest-store/contract.js';
import type { NodeName } from '../../domain/brands.js';
import { legacyPkcs12, readPkcs12 } from '../../identity/pkcs12.js';
import { newDeliveryKey, sealIdentity } from '../../identity/sealed.js';
import type { AppleHierarchy, DistributionCertificate } from '../apple-hierarchy.js';
import { installMac, type MacOptions } from '../mac/install.js';
import type { MeshFolders } from './files.js';

/** Where the password of a simulated signer's keychains is, below its home; a real one has it where its owner's tools put it. */
export const KEYCHAIN_PASSWORD = '.config/reseal/keychain-password';
const STATE = '/usr/local/var/reseal/state';

type SignerOptions = Pick<MacOptions, 'tool'> & {
  /** Where a node keeps its own files, as its declaration says; by default where one does that says nothing. */
  readonly stateOf?: (node: string) => string;
};

/** Makes these nodes Macs with keychains, a password for them, and a delivery key. @returns the public halves of the keys, by node */
export async function installSigners(
  folders: Pick<MeshFolders, 'nodes'>,
  signers: readonly string[],
  apple: AppleHierarchy,
  { stateOf = () => STATE, ...options }: SignerOptions,
): Promise<Readonly<Record<string, string>>> {
  const keys: Record<string, string> = {};
  for (const name of signers) {
    const home = join(folders.nodes, name);
    await installMac(home, {
      roots: [apple.rootPem],
      intermediates: [apple.wwdrPem],
      loginPassword: randomBytes(12).toString('hex'),
      ...options,
    });
    const state = stateOf(name);
    for (const folder of [state, '.config/reseal']) await mkdir(join(home, folder), { recursive: true });
    const key = await newDeliveryKey();
    await writeFile(join(home, state, 'delivery.key'), `${key.secret}\n`, { mode: 0o600 });
    await writeFile(join(home, KEYCHAIN_PASSWORD), `${randomBytes(12).toString('hex')}\n`, { mode: 0o600 });
    keys[name] = key.recipient;
  }
  return keys;
}

/** Identities as `reseal certificate import` puts them into the store. */
export async function sealedTo(
  deliveryKeys: Readonly<Record<string, string>>,
  certificates: readonly DistributionCertificate[],
  importedBy = 'rita',
): Promise<readonly StoreItem[]> {
  return Promise.all(
    certificates.flatMap((certificate) => {
      const identity = readPkcs12(legacyPkcs12(certificate, 'simulated'), 'simulated', 'the simulated identity');
      return Object.entries(deliveryKeys).map(async ([node, recipient]): Promise<StoreItem> => ({
        kind: 'sealed-identity',
        identity: identity.facts.sha1,
        node: node as NodeName,
        recipient,
        bytes: await sealIdentity(identity, recipient),
        importedBy,
      }));
    }),
  );
}
