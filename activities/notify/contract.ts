import type { HistoryEvent } from '../../src/domain/rotation/history.js';
import type { RotationStatus } from '../../src/domain/rotation/status.js';

export interface Notice {
  /** What the configuration's event filter goes by. */
  readonly event:
    'question' | 'outcome' | 'gate' | 'reminder' | 'page' | 'keychain' | 'successor' | 'restored' | 'exclusion' | 'returned' | 'export';
  readonly text: string;
  /** Persons or roles. */
  readonly audience: readonly string[];
  readonly rotation: RotationStatus | null;
  readonly history: HistoryEvent | null;
}

export interface NotifyActivities {
  notify(notice: Notice): Promise<void>;
}
