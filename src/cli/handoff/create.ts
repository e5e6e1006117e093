import { basename, resolve } from 'node:path';
import { loadConfiguration } from '../../configuration/load.js';
import type { LineName } from '../../domain/brands.js';
import { ResealError } from '../../domain/errors.js';
import type { HandoffEnvelope } from '../../domain/signing/handoff.js';
import { handoffCreatedText, type HandoffCreatedView } from '../../presenters/handoff.js';
import { HandoffEnvelopeSchema } from '../../schema/handoff.js';
import { signHandoff } from '../../statement/handoff.js';
import { ApiClient } from '../api-client.js';
import { digestOf } from '../claim/key.js';
import { defineCommand, type Context } from '../command.js';
import { configFolderToRead } from '../config-folder.js';
import { findApi } from '../home.js';
import { bytesOrNone, replaceFile } from '../replace-file.js';
import { durationOf } from '../given.js';

export const command = defineCommand({
  description: 'Hand an artifact to the next stage of a pipeline: a signed envelope that names the manifest it was built by',
  arguments: {},
  options: {
    line: { kind: 'text', required: true, description: 'Line of the manifest', value: 'LINE' },
    manifest: { kind: 'text', required: true, description: 'Manifest it was built by: profiles.json, or its SHA-256', value: 'PATH|SHA' },
    pipeline: { kind: 'text', required: true, description: 'Pipeline, as declared in topology.yaml', value: 'NAME' },
    artifact: { kind: 'text', required: true, description: 'What is handed on: a file or a folder', value: 'PATH' },
    bundle: { kind: 'list', description: 'Bundle ids in it (default: those of the pipeline)', value: 'ID' },
    job: { kind: 'text', required: true, description: 'Key of the job that built it', value: 'KEY' },
    for: { kind: 'text', description: 'How long it may be used (default: 4h)', value: 'DURATION' },
    key: {
      kind: 'text',
      required: true,
      description: 'SSH key that signs; its public half stands at the pipeline in topology.yaml',
      value: 'PATH',
    },
    out: { kind: 'text', description: 'File to write (default: handoff.json)', value: 'PATH' },
    register: { kind: 'flag', description: 'Tell the reseal that runs, so that impact counts it' },
  },
  async handler(context, _, { line, manifest, pipeline, artifact, bundle, job, for: life, key, out, register }) {
    const { topology } = loadConfiguration(await configFolderToRead(context));
    if (topology.lines[line as LineName] === undefined)
      throw new ResealError('NOT_FOUND', `topology.yaml declares no line ${line}. It declares ${Object.keys(topology.lines).join(', ')}.`);
    const declared = topology.pipelines.find((one) => one.name === pipeline);
    if (declared === undefined)
      throw new ResealError(
        'NOT_FOUND',
        `topology.yaml declares no pipeline ${pipeline}. Declare it under pipelines, with the public half of ${key} among its keys.`,
      );
    const now = context.now();
    const given = {
      schemaVersion: 1,
      installation: topology.installation,
      line,
      profile_manifest_sha: await digestOf(context, manifest),
      pipeline,
      job,
      bundles: bundle.length > 0 ? bundle : declared.bundles,
      artifact: { name: basename(artifact), sha256: await digestOf(context, artifact) },
      issuedAt: new Date(now).toISOString(),
      expiresAt: new Date(now + durationOf('--for', life ?? '4h')).toISOString(),
    };
    const envelope = envelopeOf(given);
    const signature = await signHandoff(envelope, resolve(context.cwd, key), context.env);
    const path = resolve(context.cwd, out ?? 'handoff.json');
    const text = `${JSON.stringify({ envelope, signature }, null, 2)}\n`;
    await replaceFile(path, await bytesOrNone(path), Buffer.from(text));
    if (register) await tell(context, { envelope, signature });
    const view: HandoffCreatedView = { schemaVersion: 1, path, envelope, registered: register };
    context.output.show(view, () => handoffCreatedText(view, context.output, now));
  },
});

function envelopeOf(given: object): HandoffEnvelope {
  const parsed = HandoffEnvelopeSchema.safeParse(given);
  if (parsed.success) return parsed.data;
  const details = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new ResealError('USAGE', 'The handoff would not be of its own form.', { details });
}

/** The configuration is read here, and the reseal that runs has its own: it judges the handoff by that. */
const tell = async ({ home, env, cwd }: Context, handoff: object): Promise<unknown> =>
  ApiClient.at(await findApi({ home, env, cwd })).post('/v1/handoffs', handoff);
