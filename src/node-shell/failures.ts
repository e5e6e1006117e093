import type { NodeName } from '../domain/brands.js';
import { ResealError } from '../domain/errors.js';

export const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';

const WRITE_REASONS: Readonly<Record<string, string>> = {
  ENOSPC: "the node's disk is full. Free some space on it",
  EDQUOT: "the account's quota on the node is used up. Raise it",
  EACCES: 'the account of reseal may not write there. Check owner and modes of the folder',
  EPERM: 'the node does not allow it. Check owner, modes and flags (`ls -leO`) of the file and its folder',
  EROFS: 'the volume is mounted read-only. Mount it writable, or declare `distribution: mount` for the line',
  ENOTDIR: 'there is a file where a folder should be. Move it away',
  EEXIST: 'there is a file where a folder should be. Move it away',
  EISDIR: 'there is a folder where a file should be. Move it away',
  ENOTEMPTY: 'there is a folder where a file should be. Move it away',
  ENOENT: 'its folder went away while it was written',
};

/** @param cause null: there is nothing, or something that is no folder. */
export function unreachableHome(node: NodeName, home: string, cause: unknown): ResealError {
  const found =
    cause === null || codeOf(cause) === 'ENOENT' ? 'its home folder is not there' : `its home folder cannot be used (${codeOf(cause)})`;
  return new ResealError(
    'NODE_UNREACHABLE',
    `Node ${node} is not reachable: ${found} (${home}). Bring it back, or correct \`reach.home\` in topology.yaml.`,
    { cause },
  );
}

export function writeFailed(node: NodeName, path: string, doing: string, cause: unknown): ResealError {
  const reason = WRITE_REASONS[codeOf(cause)] ?? (cause instanceof Error ? cause.message : String(cause));
  return new ResealError('NODE_WRITE_FAILED', `Node ${node}: cannot ${doing} ${path}: ${reason}.`, { cause });
}

/** A file that is there and cannot be read: the truth about the node is not known, so nothing is decided on it. */
export function readFailed(node: NodeName, path: string, cause: unknown): ResealError {
  const reason =
    codeOf(cause) === 'EACCES' ? 'the account of reseal may not read it' : cause instanceof Error ? cause.message : String(cause);
  return new ResealError('NODE_UNREACHABLE', `Node ${node}: cannot read ${path}: ${reason}. Check its owner, modes and disk.`, { cause });
}
