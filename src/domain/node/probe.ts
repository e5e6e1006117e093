export type Verdict = 'pass' | 'fail' | 'inconclusive';
export type CheckVerdict = Verdict | 'not-due';

export interface CheckResult {
  /** Stable name, e.g. `active-manifest`, `profile-files`, `profile-signatures`, `stale-copies`, `clock`, `signing`. */
  readonly check: string;
  readonly verdict: CheckVerdict;
  /** A sentence; names the file where one is at fault. */
  readonly reason: string;
  /** Reduced: digests, counts, codes. */
  readonly evidence?: Readonly<Record<string, string | number>>;
  /** It fails since this keychain is locked, and for nothing else: what people call it. */
  readonly lockedKeychain?: string;
}

/** A node's verdict: fail if one check failed, else inconclusive if one was, else pass. */
export function nodeVerdict(checks: readonly CheckResult[]): Verdict {
  if (checks.some((one) => one.verdict === 'fail')) return 'fail';
  if (checks.some((one) => one.verdict === 'inconclusive')) return 'inconclusive';
  return 'pass';
}

/** The keychain for which alone a node fails; null where there is none, or something else is wrong with it too. */
export function lockedAlone(checks: readonly CheckResult[]): string | null {
  const failed = checks.filter(({ verdict }) => verdict === 'fail');
  return failed.every(({ lockedKeychain }) => lockedKeychain !== undefined) ? (failed[0]?.lockedKeychain ?? null) : null;
}

/** A run of probes after a switch. */
export type Proof =
  | { readonly state: 'proving'; readonly passes: number }
  | { readonly state: 'proven' }
  | { readonly state: 'failed' }
  | { readonly state: 'unclear' };

/**
 * What the probes of one node since its switch amount to: `failed` at the first fail, `proven` after `needed` passes in a row.
 * An inconclusive probe starts the count again and never counts as a pass; `unclear` once the run of inconclusive ones
 * has lasted longer than `inconclusiveFor`.
 */
export function proof(
  probes: readonly { readonly at: number; readonly verdict: Verdict }[],
  needed: number,
  inconclusiveFor: number,
): Proof {
  let passes = 0;
  let unclearSince: number | null = null;
  for (const probe of probes) {
    switch (probe.verdict) {
      case 'fail':
        return { state: 'failed' };
      case 'inconclusive':
        passes = 0;
        unclearSince ??= probe.at;
        if (probe.at - unclearSince >= inconclusiveFor) return { state: 'unclear' };
        break;
      case 'pass':
        passes += 1;
        unclearSince = null;
        if (passes >= needed) return { state: 'proven' };
        break;
    }
  }
  return { state: 'proving', passes };
}
