import type { Gate, Plan } from './state.js';
import type { GateBinding } from './statement.js';

/** What an approval of the gate that is open has to bind; null: none is. */
export function bindingOf(plan: Plan | null, gate: Gate | null): GateBinding | null {
  if (plan === null || gate === null) return null;
  const { from, to, topology, policyDigest: policy, cohorts } = plan;
  const { kind, nonce: gateNonce, canaryReport, roster } = gate;
  return { gate: kind, gateNonce, from, to, topology, policy, cohorts, canaryReport, roster };
}
