import type { Sha256 } from '../../src/domain/brands.js';
import type { NodeSession } from './session.js';

/** The node's own frozen copy of a manifest, of whatever line it follows; null where there is none. Its digest is not checked here. */
export async function manifestOnNode({ files, node }: NodeSession, digest: Sha256, line: string): Promise<Uint8Array | null> {
  const found = await files.read(`${node.mount}/${line}/manifests/${digest}.json`);
  return found.kind === 'file' ? found.bytes : null;
}
