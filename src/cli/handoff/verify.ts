import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { loadConfiguration } from '../../configuration/load.js';
import { ResealError } from '../../domain/errors.js';
import { judgeHandoff } from '../../domain/signing/handoff.js';
import { handoffVerdict, handoffVerdictText } from '../../presenters/handoff.js';
import { HandoffSchema } from '../../schema/handoff.js';
import { readJson } from '../../schema/json-text.js';
import { handoffSignature } from '../../statement/handoff.js';
import { digestOf } from '../claim/key.js';
import { defineCommand } from '../command.js';
import { configFolderToRead } from '../config-folder.js';

/** A handoff is some kilobytes; what is larger is none. In bytes. */
const LARGEST = 1_000_000;

export const command = defineCommand({
  description: 'Check a handoff: signature, line, pipeline, manifest, artifact, time; exit 1 where a check fails',
  arguments: { file: { kind: 'text', required: true, description: 'Handoff, as `handoff create` wrote it' } },
  options: {
    line: { kind: 'text', description: 'Line that is expected', value: 'LINE' },
    pipeline: { kind: 'text', description: 'Pipeline that is expected', value: 'NAME' },
    manifest: { kind: 'text', description: 'Manifest that is expected: profiles.json, or its SHA-256', value: 'PATH|SHA' },
    artifact: { kind: 'text', description: 'What was handed on: a file, a folder, or its SHA-256', value: 'PATH|SHA' },
  },
  async handler(context, { file }, { line, pipeline, manifest, artifact }) {
    const { topology, policy } = loadConfiguration(await configFolderToRead(context));
    const path = resolve(context.cwd, file);
    const { envelope, signature } = await readHandoff(path);
    const keys = topology.pipelines.find((one) => one.name === envelope.pipeline)?.keys ?? [];
    const checks = judgeHandoff(
      envelope,
      handoffSignature(envelope, signature, keys),
      {
        installation: topology.installation,
        line: line ?? null,
        pipeline: pipeline ?? null,
        manifest: manifest === undefined ? null : await digestOf(context, manifest),
        artifact: artifact === undefined ? null : await digestOf(context, artifact),
      },
      { now: context.now(), maxSkew: policy.clock.maxSkew },
    );
    const view = handoffVerdict(path, envelope, checks);
    context.output.show(view, () => handoffVerdictText(view, context.output));
    return view.verdict === 'pass' ? 0 : 1;
  },
});

/** @throws ResealError FILE_UNREADABLE */
async function readHandoff(path: string) {
  const unreadable = (found: string, cause?: unknown): ResealError =>
    new ResealError('FILE_UNREADABLE', `${path} ${found}; expected a handoff, as \`reseal handoff create\` writes it.`, { cause });
  const bytes = await readFile(path).catch((error: unknown) => {
    throw unreadable(`cannot be read (${error instanceof Error ? error.message : String(error)})`, error);
  });
  if (bytes.length > LARGEST) throw unreadable(`has ${bytes.length} bytes`);
  const read = readJson(textOf(bytes) ?? '');
  if (!('value' in read)) throw unreadable(read.fault, read.cause);
  const parsed = HandoffSchema.safeParse(read.value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw unreadable(`is of another form (${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''})`);
}

/** Null: it is no UTF-8, and so no JSON. */
function textOf(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return null;
  }
}
