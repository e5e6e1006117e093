import { descriptionOf, type Artifact, type Bundle } from '../domain/triage/bundle.js';
import type { Finding, FindingVerdict } from '../domain/triage/finding.js';
import type { Triage } from '../domain/triage/triage.js';

/** One bundle of the artifact, host first. Of certificates only what may be shown in public (S8). */
export interface TriagedBundleView {
  readonly path: string;
  readonly role: string;
  readonly bundleId: string | null;
  readonly profile: {
    readonly state: 'missing' | 'not-a-profile' | 'untrusted' | 'read';
    readonly uuid: string | null;
    readonly name: string | null;
    readonly team: string | null;
    readonly kind: string | null;
    readonly expiresAt: string | null;
  };
  readonly signature: {
    readonly state: 'none' | 'unreadable' | 'ad-hoc' | 'signed';
    readonly source: 'codesign' | 'read' | null;
    readonly team: string | null;
    readonly authorities: readonly string[];
    /** SHA-1 of the signer's certificate. */
    readonly signer: string | null;
    /** How many files are sealed; null where none are. */
    readonly sealedFiles: number | null;
  };
}

export interface TriageView {
  readonly schemaVersion: 1;
  readonly verdict: FindingVerdict;
  readonly artifact: { readonly path: string; readonly kind: string; readonly bundles: readonly TriagedBundleView[] } | null;
  readonly stages: readonly {
    readonly stage: string;
    readonly title: string;
    /** Why nothing was looked at; null where something was. */
    readonly skipped: string | null;
    readonly findings: readonly Finding[];
  }[];
}

const TITLES = {
  'embedded-profile': 'embedded.mobileprovision against what was asked for',
  identities: 'Keychain identity summaries',
  settings: 'Style and specifier per target, CI files',
  signature: 'Team, Authority, Sealed Resources',
  nodes: 'The failing node against the passing one',
  export: 'Export directory',
} as const;

/** @param path of the artifact, as it was named */
export const triageView = (result: Triage, artifact: Artifact | null, path: string): TriageView => ({
  schemaVersion: 1,
  verdict: result.verdict,
  artifact: artifact === null ? null : { path, kind: artifact.kind, bundles: artifact.bundles.map(bundleView) },
  stages: result.stages.map(({ stage, skipped, findings }) => ({ stage, title: TITLES[stage], skipped, findings })),
});

function bundleView({ path, role, bundleId, profile, signature }: Bundle): TriagedBundleView {
  const described = descriptionOf(profile);
  const signed = signature.state === 'signed' ? signature : null;
  const seal = signature.state === 'signed' || signature.state === 'ad-hoc' ? signature.seal : null;
  return {
    path,
    role,
    bundleId,
    profile: {
      state: profile.state,
      uuid: described?.uuid ?? null,
      name: described?.name ?? null,
      team: described?.team ?? null,
      kind: described?.kind ?? null,
      expiresAt: described?.expiresAt ?? null,
    },
    signature: {
      state: signature.state,
      source: signature.state === 'signed' || signature.state === 'ad-hoc' ? signature.source : null,
      team: signed?.team ?? null,
      authorities: signed?.authorities ?? [],
      signer: signed?.signer?.sha1 ?? null,
      sealedFiles: seal?.state === 'sealed' ? seal.files : null,
    },
  };
}
