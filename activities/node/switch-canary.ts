import { nodeVerdict, type CheckResult } from '../../src/domain/node/probe.js';
import type { KnownManifest } from './frozen-contents.js';
import type { Probe } from './probe.js';
import type { NodeSession } from './session.js';
import { signCanary } from './sign.js';

/** Signing as a part of the probes after a switch: once, with the first probe that passes without it, and again only while it is inconclusive. */
export class SwitchCanary {
  private known: readonly CheckResult[] | null = null;

  constructor(
    private readonly session: NodeSession,
    private readonly target: KnownManifest,
    private readonly beat: () => void,
  ) {}

  async join(probe: Probe): Promise<Probe> {
    if (probe.verdict !== 'pass') return probe;
    this.known ??= await signCanary(this.session, this.target, probe.at, this.beat);
    const results = this.known;
    if (nodeVerdict(results) === 'inconclusive') this.known = null;
    const checks = [...probe.checks.filter(({ check }) => !results.some((one) => one.check === check)), ...results];
    return { ...probe, checks, verdict: nodeVerdict(checks) };
  }
}
