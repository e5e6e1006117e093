import type { z } from 'zod';
import { ResealError } from '../domain/errors.js';
import { isSound, judgeHandoff } from '../domain/signing/handoff.js';
import { sha256Of } from '../manifest/digest.js';
import { handoffVerdict, type HandoffListView, type HandoffVerdictView } from '../presenters/handoff.js';
import type { HandoffSchema } from '../schema/handoff.js';
import { canonicalBytes } from '../statement/canonical.js';
import { handoffSignature } from '../statement/handoff.js';
import type { RotationDesk } from './rotations.js';

/** Takes a handoff that is sound by this reseal's own configuration. @throws ResealError REFUSED, with every check that failed */
export async function registerHandoff(
  desk: RotationDesk,
  { envelope, signature }: z.infer<typeof HandoffSchema>,
): Promise<HandoffVerdictView> {
  const { topology, policy } = desk.around.configuration();
  const keys = topology.pipelines.find((one) => one.name === envelope.pipeline)?.keys ?? [];
  const expected = { installation: topology.installation, line: null, pipeline: null, manifest: null, artifact: null };
  const clock = { now: Date.now(), maxSkew: policy.clock.maxSkew };
  const checks = judgeHandoff(envelope, handoffSignature(envelope, signature, keys), expected, clock);
  if (topology.lines[envelope.line] === undefined || !isSound(checks)) {
    const failed = checks.filter((check) => check.verdict === 'fail').map((check) => `${check.check}: ${check.reason}`);
    const unknown = topology.lines[envelope.line] === undefined ? [`line: topology.yaml declares no line ${envelope.line}`] : [];
    throw new ResealError('REFUSED', 'The handoff is not taken.', { details: [...failed, ...unknown] });
  }
  await desk.ledger.registerHandoff({
    digest: sha256Of(canonicalBytes(envelope)),
    line: envelope.line,
    manifest: envelope.profile_manifest_sha,
    pipeline: envelope.pipeline,
    job: envelope.job,
    bundles: envelope.bundles,
    artifact: envelope.artifact.sha256,
    issuedAt: Date.parse(envelope.issuedAt),
    expiresAt: Date.parse(envelope.expiresAt),
  });
  return handoffVerdict('', envelope, checks);
}

/** Those that have not expired. */
export async function listHandoffs(desk: RotationDesk, line: string | undefined): Promise<HandoffListView> {
  const open = await desk.ledger.openHandoffs(Date.now(), line);
  return {
    schemaVersion: 1,
    handoffs: open.map(({ digest: _digest, issuedAt, expiresAt, ...handoff }) => ({
      ...handoff,
      issuedAt: new Date(issuedAt).toISOString(),
      expiresAt: new Date(expiresAt).toISOString(),
    })),
  };
}
