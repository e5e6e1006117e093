import type { Duration, LineName, PersonId, Sha256 } from '../../src/domain/brands.js';
import type { RosterAtGate } from '../../src/domain/rotation/events.js';
import type { CanaryReport, RotationState } from '../../src/domain/rotation/state.js';
import type { CommandStatement, Signed } from '../../src/domain/rotation/statement.js';

/** Whether a statement was signed by the person that it names. */
export type Judgement<K extends string | null = string> =
  | {
      readonly counts: true;
      /** Fingerprint of the key. */
      readonly key: K;
      /** Who has approved and is no longer on the roster, or no longer with the key that they approved with. */
      readonly voided: readonly PersonId[];
    }
  /** In words that end a sentence. */
  | { readonly counts: false; readonly reason: string };

/** The rotation's dealings with the roster and with what people sign. Errors are ApplicationFailures typed by `ErrorCode`. */
export interface ApprovalActivities {
  /**
   * Judges a signature by the keys that the rotation has frozen, and by the roster as it is now: who has left it approves nothing. A
   * roster that cannot be read now stops approvals, and nothing else: nobody is kept from turning back.
   */
  judgeStatement(
    asked: Signed<CommandStatement> & {
      /** Of the person that the statement names, as frozen. */
      readonly keys: readonly string[];
      /** Those among them that let nothing go on, for the edit that added them is young and one person's. */
      readonly uncounted?: readonly string[];
      readonly approvals: readonly { readonly person: PersonId; readonly key: string | null }[];
    },
  ): Promise<Judgement>;
  /** The roster as it is when a gate opens, how it stands with those that people adopted, and the digests of it and of what the canary has shown. */
  gateTerms(gate: {
    readonly line: LineName;
    readonly offset: Duration;
    readonly canary: CanaryReport;
    /** As the rotation has frozen it: a topology that was changed since takes nothing off. Missing: as the topology says. */
    readonly assurance?: RotationState['authority']['assurance'];
  }): Promise<{
    readonly rights: RotationState['rights'];
    readonly keys: RotationState['authority']['keys'];
    readonly assurance: RotationState['authority']['assurance'];
    readonly roster: Sha256;
    readonly canaryReport: Sha256;
    readonly adoption: RosterAtGate;
  }>;
}
