import { open, readFile, rm, type FileHandle } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ResealError } from '../../domain/errors.js';
import { openSealedIdentity, recipientOf } from '../../identity/sealed.js';
import { sha256Of } from '../../manifest/digest.js';
import { exportFetchText } from '../../presenters/export-text.js';
import type { ExportFetchView, ExportView, FetchedExportView } from '../../presenters/export.js';
import { ApiClient } from '../api-client.js';
import { defineCommand } from '../command.js';
import { ARGUMENTS, draftExport, exportPath, readExport, SAID, sayExport } from './say.js';

export const command = defineCommand({
  description: 'Fetch what was exported, once; exit 4 when it was fetched before, or its time is over',
  arguments: ARGUMENTS,
  options: {
    ...SAID,
    out: { kind: 'text', required: true, description: 'File for what is sealed; one that is there already is kept', value: 'FILE' },
    identityFile: {
      kind: 'text',
      description: "The receiver's own age key: opens it at once, into FILE.p12 and FILE.password",
      value: 'PATH',
    },
  },
  async handler(context, { id }, { out, identityFile, ...said }) {
    const path = resolve(context.cwd, out);
    const api = await ApiClient.find(context);
    const shown = await readExport(api, id);
    if (shown.sealed === null) throw notSealed(shown);
    // All that can fail is tried before: it is handed out once.
    const secret = identityFile === undefined ? null : await receiverKey(resolve(context.cwd, identityFile), shown);
    const names = { sealed: path, pkcs12: secret === null ? null : `${path}.p12`, password: secret === null ? null : `${path}.password` };
    const files = new NewFiles();
    try {
      const sealed = await files.make(names.sealed);
      const pkcs12 = names.pkcs12 === null ? null : await files.make(names.pkcs12);
      const password = names.password === null ? null : await files.make(names.password);
      const own = { says: 'export-fetch', export: id, request: shown.binds.request, sealed: shown.sealed.sha256 } as const;
      const statement = draftExport(shown, said, own, context.now());
      const fetched = await sayExport<FetchedExportView>(context, api, exportPath(id, '/fetch'), said, statement);
      const bytes = Buffer.from(fetched.sealed, 'base64');
      await write(sealed, bytes);
      files.keep(names.sealed);
      if (sha256Of(bytes) !== shown.sealed.sha256)
        throw new ResealError(
          'DIGEST_MISMATCH',
          `What was handed out of ${id} is not what its node has sealed (${shown.sealed.sha256}). It lies in ${out}; do not use it, and find out who answers there.`,
        );
      if (secret !== null && pkcs12 !== null && password !== null) {
        const opened = await openSealedIdentity(bytes, secret, shown.binds.identity);
        await write(pkcs12, opened.pkcs12);
        await write(password, Buffer.from(`${opened.password}\n`));
        files.keep(names.pkcs12 ?? '', names.password ?? '');
      }
      const view: ExportFetchView = { schemaVersion: 1, export: fetched.export, files: names };
      context.output.show(view, exportFetchText);
    } finally {
      await files.end();
    }
  },
});

function notSealed({ id, phase, ended }: ExportView['export']): ResealError {
  if (phase === 'fetched')
    return new ResealError(
      'ALREADY_DECIDED',
      `An export is fetched once, and ${ended?.by ?? 'somebody'} has fetched ${id}. Ask for another.`,
    );
  const why = ended === null ? 'it can be fetched once it is sealed' : `${ended.reason}; ask for another`;
  return new ResealError('ILLEGAL_COMMAND', `The export ${id} is ${phase}: ${why}.`);
}

/** The private half of the receiver's key; comments in its file are those of `age-keygen`. @throws ResealError FILE_UNREADABLE, IDENTITY_UNAVAILABLE */
async function receiverKey(path: string, { binds }: ExportView['export']): Promise<string> {
  const text = await readFile(path, 'utf8').catch((cause: unknown) => {
    throw new ResealError('FILE_UNREADABLE', `${path} cannot be read; expected a file with the receiver's age key (AGE-SECRET-KEY-1…).`, {
      cause,
    });
  });
  const secret = text.split(/\r?\n/).find((line) => line.trim() !== '' && !line.startsWith('#')) ?? '';
  const recipient = await recipientOf(secret);
  if (recipient === binds.recipient) return secret;
  throw new ResealError('IDENTITY_UNAVAILABLE', `The key in ${path} is that of ${recipient}, and the export is sealed to ${binds.recipient}. Nothing was fetched.`); // prettier-ignore
}

/** Files of nobody else's that are there only if they were written. */
class NewFiles {
  private readonly made = new Map<string, FileHandle>();
  private readonly kept = new Set<string>();

  /** @throws ResealError FILE_UNREADABLE where something is there already, or nothing can be written */
  async make(path: string): Promise<FileHandle> {
    try {
      const file = await open(path, 'wx', 0o600);
      this.made.set(path, file);
      return file;
    } catch (cause) {
      const isThere = (cause as NodeJS.ErrnoException).code === 'EEXIST';
      throw new ResealError('FILE_UNREADABLE', isThere ? `${path} is there already; name another file. Nothing was fetched.` : `${path} cannot be written. Correct the mode of its folder, or name another file. Nothing was fetched.`, { cause }); // prettier-ignore
    }
  }

  keep(...paths: readonly string[]): void {
    for (const path of paths) this.kept.add(path);
  }

  async end(): Promise<void> {
    for (const [path, file] of this.made) {
      await file.close();
      if (!this.kept.has(path)) await rm(path, { force: true });
    }
  }
}

async function write(file: FileHandle, bytes: Uint8Array): Promise<void> {
  await file.writeFile(bytes);
  await file.sync();
}
