import { ANTI_PATTERNS, TRADE_OFFS, type AntiPattern, type PlanningBands, type TradeOff } from '../domain/advice-rows.js';
import { TOPOLOGY_SNIPPETS } from '../domain/advice-snippets.js';
import type { Advice, Answered, Telemetry } from '../domain/advice.js';

/** What `advise` prints. Durations are milliseconds. */
export interface AdviceView {
  readonly schemaVersion: 1;
  readonly asked: { readonly team: Answered<string>; readonly compliance: Answered<string>; readonly cadence: Answered<string> };
  readonly advice: {
    readonly name: string;
    readonly title: string;
    readonly exact: boolean;
    readonly reasons: readonly string[];
    readonly means: readonly string[];
    readonly additions: readonly string[];
    readonly beside: string;
  };
  /** Null where nothing was measured: then the bands are the planning bands of reseal. */
  readonly telemetry: Telemetry | null;
  readonly bands: PlanningBands & { readonly own: boolean };
  readonly tradeOffs: readonly TradeOff[];
  readonly antiPatterns: readonly AntiPattern[];
  /** A whole topology.yaml to begin with; `topology check` accepts it. */
  readonly topologyYaml: string;
}

export function adviceView({ understood, bands, row, exact, reasons, additions }: Advice, telemetry: Telemetry | null): AdviceView {
  return {
    schemaVersion: 1,
    asked: understood,
    advice: { name: row.name, title: row.title, exact, reasons, means: row.means, additions, beside: row.beside },
    telemetry,
    bands: { ...bands, own: telemetry?.bands !== undefined },
    tradeOffs: TRADE_OFFS,
    antiPatterns: ANTI_PATTERNS,
    topologyYaml: TOPOLOGY_SNIPPETS[row.name],
  };
}
