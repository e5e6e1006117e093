import type { Instant } from '../../src/domain/brands.js';
import { isPinFile, nodePins, parsePinFile, type NodePins } from '../../src/domain/node/pins.js';
import type { NodeSession } from './session.js';

/** No lease that the gate writes is larger; what is was written by somebody else. */
const LARGEST = 256 * 1024;
/** A node has as many builds as it has cores: more files than this are nobody's pins. */
const MOST = 1_000;

/**
 * The pins of a node on one line. The folder is written by builds: what is no pin is passed over.
 * @param now the node's clock
 * @throws ResealError NODE_UNREACHABLE
 */
export async function readPins({ files, paths, name }: NodeSession, now: Instant): Promise<NodePins> {
  const names = (await files.list(paths.pins)).filter((one) => isPinFile(one, name)).slice(0, MOST);
  const read = names.map(async (one) => {
    const path = `${paths.pins}/${one}`;
    const size = (await files.extent(path))?.size ?? 0;
    if (size === 0 || size > LARGEST) return [];
    const found = await files.read(path);
    const parsed = found.kind === 'file' ? parsePinFile(one, Buffer.from(found.bytes).toString('utf8')) : null;
    return parsed === null ? [] : [parsed];
  });
  return nodePins((await Promise.all(read)).flat(), now);
}
