import type { Duration, Instant, LineName, Sha256 } from '../brands.js';
import type { SignatureStanding } from './standing.js';

/** What one stage of a pipeline hands to the next (S11): the artifact, and the manifest that it was built by. */
export interface HandoffEnvelope {
  readonly schemaVersion: 1;
  readonly installation: string;
  readonly line: LineName;
  /** SHA-256 of the manifest that the artifact was built by. */
  readonly profile_manifest_sha: Sha256;
  readonly pipeline: string;
  readonly job: string;
  readonly bundles: readonly string[];
  readonly artifact: { readonly name: string; readonly sha256: Sha256 };
  /** ISO 8601, UTC. */
  readonly issuedAt: string;
  readonly expiresAt: string;
}

/** What the next stage knows by itself; null: it does not ask for it. */
export interface HandoffExpectation {
  readonly installation: string | null;
  readonly line: string | null;
  readonly pipeline: string | null;
  readonly manifest: Sha256 | null;
  readonly artifact: Sha256 | null;
}

export type HandoffCheck = 'signature' | 'installation' | 'line' | 'pipeline' | 'manifest' | 'artifact' | 'time';

export interface HandoffFinding {
  readonly check: HandoffCheck;
  readonly verdict: 'pass' | 'fail' | 'not-asked';
  /** What was found and expected, as a sentence without its full stop. */
  readonly reason: string;
}

/** The checks of a handoff, each by itself, so that everything that is wrong is said at once. */
export function judgeHandoff(
  envelope: HandoffEnvelope,
  signature: SignatureStanding,
  expected: HandoffExpectation,
  { now, maxSkew }: { readonly now: Instant; readonly maxSkew: Duration },
): readonly HandoffFinding[] {
  return [
    signatureFinding(envelope, signature),
    same('installation', envelope.installation, expected.installation),
    same('line', envelope.line, expected.line),
    same('pipeline', envelope.pipeline, expected.pipeline),
    same('manifest', envelope.profile_manifest_sha, expected.manifest),
    same('artifact', envelope.artifact.sha256, expected.artifact),
    timeFinding(envelope, now, maxSkew),
  ];
}

function signatureFinding({ pipeline }: HandoffEnvelope, signature: SignatureStanding): HandoffFinding {
  switch (signature.kind) {
    case 'declared':
      return { check: 'signature', verdict: 'pass', reason: `by ${signature.fingerprint}, a key of ${pipeline}` };
    case 'stranger':
      return {
        check: 'signature',
        verdict: 'fail',
        reason: `it is signed by ${signature.fingerprint}, which is no key of ${pipeline}; its keys stand in topology.yaml, under pipelines`,
      };
    case 'invalid':
      return { check: 'signature', verdict: 'fail', reason: signature.reason };
  }
}

function same(check: Exclude<HandoffCheck, 'signature' | 'time'>, found: string, expected: string | null): HandoffFinding {
  if (expected === null) return { check, verdict: 'not-asked', reason: found };
  if (found === expected) return { check, verdict: 'pass', reason: found };
  return { check, verdict: 'fail', reason: `it is for ${found}, and ${expected} is expected` };
}

function timeFinding({ issuedAt, expiresAt }: HandoffEnvelope, now: Instant, maxSkew: Duration): HandoffFinding {
  const [issued, expires] = [Date.parse(issuedAt), Date.parse(expiresAt)];
  const common = { check: 'time', verdict: 'fail' } as const;
  if (expires <= issued) return { ...common, reason: `it expires at ${expiresAt}, which is not after it was issued, at ${issuedAt}` };
  if (issued > now + maxSkew)
    return { ...common, reason: `it was issued at ${issuedAt}, which is to come; the clock here or there is wrong` };
  if (expires <= now) return { ...common, reason: `it expired at ${expiresAt}` };
  return { check: 'time', verdict: 'pass', reason: `until ${expiresAt}` };
}

export const isSound = (findings: readonly HandoffFinding[]): boolean => findings.every((finding) => finding.verdict !== 'fail');
