import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { ANCHORS, anchorsFile, chainsIn } from '../../../activities/audit/chains-in.js';
import { segmentsOf } from '../../../activities/audit/segments.js';
import { writerPart } from '../../domain/audit/record.js';
import { ResealError } from '../../domain/errors.js';
import { auditExportText } from '../../presenters/audit-text.js';
import type { AuditExportView } from '../../presenters/audit.js';
import { defineCommand } from '../command.js';
import { anchoredHeads, auditedHome, chainsFolder } from './sources.js';

/** @throws ResealError USAGE where something is there already */
async function emptyFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    if ((await readdir(folder)).length === 0) return;
  } catch (error) {
    throw new ResealError('FILE_UNREADABLE', `${folder} cannot be made: ${(error as Error).message}.`, { cause: error });
  }
  throw new ResealError('USAGE', `${folder} holds something already. Name a folder that is not there yet, or empty.`);
}

export const command = defineCommand({
  description: 'Copy the audit chains of a home, with the heads that rotations have anchored, so that they can be verified elsewhere',
  arguments: { folder: { kind: 'text', required: true, description: 'A folder that is not there yet' } },
  options: {
    folder: { kind: 'text', value: 'DIR', description: 'chains elsewhere than in a home: <state>/audit of a node or a gateway' },
  },
  async handler(context, { folder }, { folder: elsewhere }) {
    const home = await auditedHome(context);
    const source = await chainsFolder(context, elsewhere);
    const found = await chainsIn(source);
    if (found.length === 0)
      throw new ResealError(
        'NOT_FOUND',
        `There is no audit chain in ${source}. Name a home with --home, or a folder of chains with --folder.`,
      );
    const writers = new Set(found.map(({ chain }) => writerPart(chain)));
    const all = await anchoredHeads(context, home);
    // Of the installation everything, of a node what is its own.
    const anchors = elsewhere === undefined ? all : all.filter(({ chain }) => writers.has(writerPart(chain)));
    const target = resolve(context.cwd, folder);
    await emptyFolder(target);
    const chains: AuditExportView['chains'][number][] = [];
    for (const { chain, folder: from } of found) {
      const to = join(target, basename(from));
      await mkdir(to, { mode: 0o700 });
      const segments = await segmentsOf(from);
      for (const { path } of segments) await copyFile(path, join(to, basename(path)));
      chains.push({ chain, folder: to, files: segments.length });
    }
    await writeFile(join(target, ANCHORS), anchorsFile(anchors), { mode: 0o600 });
    context.output.show<AuditExportView>({ schemaVersion: 1, folder: target, chains, anchors: anchors.length }, auditExportText);
  },
});
