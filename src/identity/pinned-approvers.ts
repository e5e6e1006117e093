import { appendFile, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ResealError } from '../domain/errors.js';
import type { ApprovedManifest, PinnedApprovers } from '../domain/node/approved.js';
import { PinnedApproversSchema } from '../schema/pinned-approvers.js';
import { writeWhole } from './whole-file.js';

/** Beside the machine's own key. */
const APPROVERS = 'approvers.json';
/** `line digest`, a line each. */
const APPROVED = 'approved-manifests';

/**
 * Whose approvals count on this machine; null: nobody is pinned, and it serves what its orders say.
 * @param folder state of the node, or of the gateway
 * @throws ResealError IDENTITY_UNAVAILABLE where the file is there and says nothing of use: that is no leave to serve everything
 */
export async function pinnedApproversIn(folder: string): Promise<PinnedApprovers | null> {
  const path = join(folder, APPROVERS);
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw new ResealError('IDENTITY_UNAVAILABLE', `${path} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
  try {
    return PinnedApproversSchema.parse(JSON.parse(text)) as unknown as PinnedApprovers;
  } catch (error) {
    throw new ResealError('IDENTITY_UNAVAILABLE', `${path} does not say whose approvals count. Pin them anew: \`reseal node enroll --approvers declared\`.`, { cause: error }); // prettier-ignore
  }
}

/** What may be served on this machine by each line, beside what has its approvals in the store. @throws ResealError IDENTITY_UNAVAILABLE */
export async function approvedIn(folder: string): Promise<readonly ApprovedManifest[]> {
  const path = join(folder, APPROVED);
  try {
    const text = await readFile(path, 'utf8');
    // A line that was cut off by a power failure says nothing; its approvals are looked for again.
    return text.split('\n').flatMap((line) => {
      const [, name, digest] = /^(\S+) ([0-9a-f]{64})$/.exec(line) ?? [];
      return name === undefined || digest === undefined ? [] : [{ line: name, manifest: digest } as ApprovedManifest];
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw new ResealError('IDENTITY_UNAVAILABLE', `${path} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

const lineOf = ({ line, manifest }: ApprovedManifest): string => `${line} ${manifest}\n`;

/** @throws ResealError NODE_WRITE_FAILED */
export async function rememberApproved(folder: string, approved: ApprovedManifest): Promise<void> {
  // A beginning of its own: what is before it may have been cut off.
  await writing(join(folder, APPROVED), (path) => appendFile(path, `\n${lineOf(approved)}`, { mode: 0o644, flush: true }));
}

/**
 * From now on a line serves on this machine what these have approved, what is in force now, and nothing else; null: what its orders say.
 * @param inForce of every line
 * @throws ResealError NODE_WRITE_FAILED
 */
export async function pinApprovers(folder: string, pinned: PinnedApprovers | null, inForce: readonly ApprovedManifest[]): Promise<void> {
  await writing(join(folder, APPROVERS), async (path) => {
    if (pinned === null) return rm(path, { force: true });
    const approved = join(folder, APPROVED);
    await writeWhole(approved, inForce.map(lineOf).join(''), 0o644, (draft) => rename(draft, approved));
    await writeWhole(path, `${JSON.stringify(pinned, null, 2)}\n`, 0o644, (draft) => rename(draft, path));
  });
}

/**
 * The approvers of a later roster in the place of those who are pinned; what was approved before stays so. Never back to an earlier one.
 * @throws ResealError IDENTITY_UNAVAILABLE, NODE_WRITE_FAILED
 */
export async function followApprovers(folder: string, pinned: PinnedApprovers): Promise<void> {
  const present = await pinnedApproversIn(folder);
  if (present === null || (present.number ?? 0) >= (pinned.number ?? 0)) return;
  await writing(join(folder, APPROVERS), (path) =>
    writeWhole(path, `${JSON.stringify(pinned, null, 2)}\n`, 0o644, (draft) => rename(draft, path)),
  );
}

async function writing(path: string, write: (path: string) => Promise<void>): Promise<void> {
  try {
    await write(path);
  } catch (error) {
    throw new ResealError('NODE_WRITE_FAILED', `${path} could not be written: ${(error as Error).message}. Run it as the account that serves the node.`, { cause: error }); // prettier-ignore
  }
}
