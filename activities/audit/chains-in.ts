import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { KnownHead } from '../../src/domain/audit/verify.js';
import { ResealError } from '../../src/domain/errors.js';
import { CHAIN_NAME } from '../../src/schema/audit.js';
import type { Sha256 } from '../../src/domain/brands.js';
import { segmentsOf } from './segments.js';
import { chainIn } from './verify-chain.js';

export interface FoundChain {
  readonly folder: string;
  readonly chain: string;
}

/** Heads that others know, as an export brings them along. */
export const ANCHORS = 'anchors.json';

const AnchorsSchema = z.strictObject({
  schemaVersion: z.literal(1),
  anchors: z.array(
    z.strictObject({
      chain: z.string().regex(CHAIN_NAME),
      seq: z.int().positive(),
      digest: z
        .string()
        .regex(/^[0-9a-f]{64}$/)
        .transform((text) => text as Sha256),
      from: z.string().max(300),
    }),
  ),
});

/** The chains in a folder, or in the folders below it, by the name of the folder. None where it is not there. */
export async function chainsIn(folder: string): Promise<readonly FoundChain[]> {
  const found = await oneIn(folder);
  if (found !== null) return [found];
  const names = [...(await foldersIn(folder))].sort();
  const below = await Promise.all(names.map((name) => oneIn(join(folder, name))));
  return below.filter((one) => one !== null);
}

async function oneIn(folder: string): Promise<FoundChain | null> {
  if ((await segmentsOf(folder)).length === 0) return null;
  const chain = await chainIn(folder);
  return { folder, chain: chain ?? 'unreadable' };
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  try {
    return (await readdir(folder, { withFileTypes: true })).filter((one) => one.isDirectory()).map((one) => one.name);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw new ResealError('FILE_UNREADABLE', `${folder} cannot be read: ${(error as Error).message}.`, { cause: error });
  }
}

/** What an export has brought along; empty where it is none. @throws ResealError FILE_UNREADABLE */
export async function anchorsIn(folder: string): Promise<readonly KnownHead[]> {
  const path = join(folder, ANCHORS);
  try {
    return AnchorsSchema.parse(JSON.parse(await readFile(path, 'utf8'))).anchors;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '')) return [];
    throw new ResealError('FILE_UNREADABLE', `${path} is not what \`reseal audit export\` writes.`, { cause: error });
  }
}

export const anchorsFile = (anchors: readonly KnownHead[]): string => `${JSON.stringify({ schemaVersion: 1, anchors }, null, 2)}\n`;
