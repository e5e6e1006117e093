import type { Instant, Sha1, Sha256 } from '../../src/domain/brands.js';
import { ResealError } from '../../src/domain/errors.js';
import type { Manifest } from '../../src/domain/manifest.js';
import { neededUntil } from '../../src/domain/node/purge.js';
import { parseManifest } from '../../src/manifest/parse.js';
import type { FileToWrite } from './file-effects.js';
import { manifestOnNode } from './manifest-on-node.js';
import type { NodeSession } from './session.js';

/**
 * Until when a rollback may need a keychain that was retired, written beside its mark when it is: the quarantine that says the same may be cleared away,
 * and no database has to be asked.
 */
interface HorizonNote {
  readonly schemaVersion: 1;
  /** ISO 8601. */
  readonly neededUntil: string;
  /** The manifest that went with it last. */
  readonly manifest: Sha256;
}

/** The note as it has to be once `gone` is retired; null where it says so already, or reseal made no keychain for the identity. */
export async function horizonNote(session: NodeSession, identity: Sha1, gone: Sha256): Promise<FileToWrite | null> {
  const { files, paths, contents, name } = session;
  if (!(await files.exists(paths.keychainMark(identity)))) return null;
  const { manifest } = await contents.manifest(gone, () => manifestOnNode(session, gone, name));
  const known = await notedHorizon(session, identity);
  const until = neededUntil(identity, [manifest, ...(await retiredManifests(session))], known);
  if (until === null || (known !== null && known >= until)) return null;
  const note: HorizonNote = { schemaVersion: 1, neededUntil: new Date(until).toISOString(), manifest: gone };
  return { path: paths.keychainHorizon(identity), bytes: Buffer.from(`${JSON.stringify(note)}\n`), mode: 0o644 };
}

/** @throws ResealError NODE_WRITE_FAILED where there is a note that says nothing: then nobody knows, and nothing may be destroyed */
export async function notedHorizon({ files, paths, node }: NodeSession, identity: Sha1): Promise<Instant | null> {
  const path = paths.keychainHorizon(identity);
  const found = await files.read(path);
  if (found.kind === 'absent') return null;
  const until = found.kind === 'file' ? Date.parse(untilOf(Buffer.from(found.bytes).toString('utf8'))) : NaN;
  if (Number.isFinite(until)) return until;
  throw new ResealError(
    'NODE_WRITE_FAILED',
    `Node ${node.name}: ${path} does not say until when a rollback may need the keychain; expected {"schemaVersion":1,"neededUntil":"…"}. Find out what wrote it, and restore or remove it.`,
  );
}

function untilOf(text: string): string {
  try {
    const note = JSON.parse(text) as Partial<HorizonNote> | null;
    return note?.schemaVersion === 1 && typeof note.neededUntil === 'string' ? note.neededUntil : '';
  } catch {
    return '';
  }
}

/** What rotations put into quarantine on this node, and a rollback may take out again. */
export async function retiredManifests({ files, paths }: NodeSession): Promise<readonly Manifest[]> {
  const manifests: Manifest[] = [];
  for (const rotation of await files.list(paths.quarantines)) {
    for (const name of await files.list(paths.quarantine(rotation))) {
      if (!/\.[0-9a-f]{64}\.json$/.test(name)) continue;
      const found = await files.read(`${paths.quarantine(rotation)}/${name}`);
      if (found.kind === 'file') manifests.push(parseManifest(found.bytes, name));
    }
  }
  return manifests;
}
