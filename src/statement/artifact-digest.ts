import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { lstat, readdir, readlink } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Sha256 } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';

/**
 * SHA-256 of an artifact. Of a file: of its bytes, as `shasum -a 256` prints it. Of a folder (`.app`, `.xcarchive`): of one line per file and link below
 * it, in the order of their paths' UTF-8 bytes: `file` or `exec` (its owner may run it) and the SHA-256 of its bytes, or `link` and the SHA-256 of its target, then a NUL, the path from the folder
 * on, and a line feed. Links are not followed; empty folders, times, owners and other modes do not count.
 * @throws ResealError FILE_UNREADABLE
 */
export async function artifactDigest(path: string): Promise<Sha256> {
  try {
    const stat = await lstat(path);
    if (!stat.isDirectory()) return await fileDigest(path);
    const lines = await linesBelow(path, '');
    const hash = createHash('sha256');
    for (const { line } of lines.sort((one, other) => Buffer.compare(Buffer.from(one.name), Buffer.from(other.name)))) hash.update(line);
    return hash.digest('hex') as Sha256;
  } catch (error) {
    if (error instanceof ResealError) throw error;
    throw new ResealError(
      'FILE_UNREADABLE',
      `The artifact ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
      {
        cause: error,
      },
    );
  }
}

async function fileDigest(path: string): Promise<Sha256> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path), hash);
  return hash.digest('hex') as Sha256;
}

async function linesBelow(root: string, below: string): Promise<{ readonly name: string; readonly line: string }[]> {
  const entries = await readdir(join(root, below), { withFileTypes: true });
  const lines: { readonly name: string; readonly line: string }[] = [];
  for (const entry of entries) {
    const name = below === '' ? entry.name : `${below}/${entry.name}`;
    const path = join(root, name);
    if (entry.isDirectory()) lines.push(...(await linesBelow(root, name)));
    else if (entry.isSymbolicLink()) lines.push({ name, line: `link ${sha256(await readlink(path))}\0${name}\n` });
    else if (entry.isFile()) lines.push({ name, line: `${await kindOf(path)} ${await fileDigest(path)}\0${name}\n` });
    else throw new ResealError('FILE_UNREADABLE', `${path} is neither a file nor a folder nor a link; an artifact holds nothing else.`);
  }
  return lines;
}

const kindOf = async (path: string): Promise<'file' | 'exec'> => (((await lstat(path)).mode & 0o100) === 0 ? 'file' : 'exec');
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
