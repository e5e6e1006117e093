import { resolve } from 'node:path';
import { isSha256, type Sha256 } from '../../domain/brands.js';
import type { ClaimKeyView } from '../../presenters/claim.js';
import { artifactDigest } from '../../statement/artifact-digest.js';
import type { Context } from '../command.js';

/** What every command of a claim takes: which artifact, for which bundle, distributed how. */
export const KEY = {
  artifact: { kind: 'text', required: true, description: 'Unsigned artifact: a file, a folder, or its SHA-256', value: 'PATH|SHA' },
  bundle: { kind: 'text', required: true, description: 'Bundle id that it is signed for', value: 'ID' },
  method: { kind: 'text', required: true, description: 'app-store, ad-hoc, development or enterprise', value: 'METHOD' },
} as const;

interface KeyOptions {
  readonly artifact: string;
  readonly bundle: string;
  readonly method: string;
}

export async function keyOf(context: Context, { artifact, bundle, method }: KeyOptions): Promise<ClaimKeyView> {
  return { artifact: await digestOf(context, artifact), bundleId: bundle, method };
}

/** The digest of a file or folder; a digest is taken as it is. @throws ResealError FILE_UNREADABLE */
export async function digestOf(context: Context, given: string): Promise<Sha256> {
  const lower = given.toLowerCase();
  return isSha256(lower) ? lower : artifactDigest(resolve(context.cwd, given));
}
