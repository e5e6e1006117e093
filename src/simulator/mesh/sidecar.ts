import { randomBytes } from 'node:crypto';
import { mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import type { LineName } from '../../domain/brands.js';
import { keyAlias } from '../../domain/key-alias.js';
import type { NodeDeclaration } from '../../domain/topology.js';
import { legacyPkcs12 } from '../../identity/pkcs12.js';
import { findRcodesign } from '../../mac/rcodesign.js';
import { openAppleHierarchy, type AppleHierarchy, type DistributionCertificate } from '../apple-hierarchy.js';
import { installMac, type MacOptions } from '../mac/install.js';
import { writeYaml, type MeshFolders } from './files.js';

/** Of a simulated mesh with a signing sidecar: its keys, in a folder that no node has, and the folder of its socket, which every node reaches by a link. */
export interface SidecarFolders {
  readonly keys: string;
  readonly run: string;
  /** In force. */
  readonly file: string;
  /** With the aliases of new certificates too, for whoever adds them. */
  readonly next: string;
}

export function sidecarFolders(root: string): SidecarFolders {
  const keys = join(root, 'sidecar', 'keys');
  return { keys, run: join(root, 'sidecar', 'run'), file: join(keys, 'sidecar.yaml'), next: join(keys, 'sidecar-next.yaml') };
}

/** Makes its folders, and on each node the way to its socket. Signers are Macs, whose `codesign` reads back what is signed; they have no keys. */
export async function connectToSidecar(
  folders: MeshFolders,
  socket: string,
  nodes: readonly NodeDeclaration[],
  apple: AppleHierarchy,
  macs: Pick<MacOptions, 'tool'>,
): Promise<void> {
  const { keys, run } = sidecarFolders(folders.root);
  await mkdir(keys, { recursive: true, mode: 0o700 });
  await mkdir(run, { recursive: true, mode: 0o750 });
  for (const node of nodes) {
    const home = join(folders.nodes, node.name);
    const place = join(home, dirname(socket));
    await mkdir(dirname(place), { recursive: true });
    await symlink(relative(dirname(place), run), place);
    if (!node.roles.includes('signer')) continue;
    await installMac(home, {
      roots: [apple.rootPem],
      intermediates: [apple.wwdrPem],
      loginPassword: randomBytes(12).toString('hex'),
      ...macs,
    });
  }
}

/** Puts a line's keys there: those in force as aliases, those to come beside them for whoever adds them. Without rcodesign it leaves stand-ins, and says so. */
export async function keepAtSidecar(
  folders: MeshFolders,
  line: LineName,
  socketName: string,
  certificates: { readonly inForce: readonly DistributionCertificate[]; readonly next: readonly DistributionCertificate[] },
): Promise<void> {
  const { keys, file, next } = sidecarFolders(folders.root);
  const apple = await openAppleHierarchy(folders.apple);
  await writeFile(join(keys, 'chain.pem'), apple.wwdrPem + apple.rootPem);
  const aliases: Record<string, object> = {};
  for (const [path, added] of [
    [file, certificates.inForce],
    [next, certificates.next],
  ] as const) {
    for (const certificate of added) {
      const alias = keyAlias(line, certificate.sha1);
      const password = randomBytes(12).toString('hex');
      await writeFile(join(keys, `${alias}.p12`), legacyPkcs12(certificate, password), { mode: 0o600 });
      await writeFile(join(keys, `${alias}.password`), `${password}\n`, { mode: 0o600 });
      aliases[alias] = { p12: { file: `${alias}.p12`, passwordFile: `${alias}.password` } };
    }
    await writeYaml(path, 'What the signing sidecar of this simulated mesh holds.', {
      schemaVersion: 1,
      socket: join('..', 'run', socketName),
      chain: 'chain.pem',
      ...(findRcodesign() === null ? { signer: 'stand-in' } : {}),
      aliases,
    });
  }
}
