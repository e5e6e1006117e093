import type { HistoryEvent } from '../domain/rotation/history.js';
import type { RotationStatus } from '../domain/rotation/status.js';
import { diffManifests } from '../domain/manifest-changes.js';
import type { Manifest } from '../domain/manifest.js';
import type { RotationNodeRow } from '../../activities/ledger/contract.js';

const INSTANTS = [
  'since',
  'until',
  'at',
  'startedAt',
  'endedAt',
  'restoredAt',
  'horizon',
  'rollbackUntil',
  'endsAt',
  'openedAt',
  'deadline',
  'latest',
  'passedAt',
  'askedAt',
  'soonest',
  'nextPageAt',
  'remindAt',
  'widenAt',
] as const;
type InstantField = (typeof INSTANTS)[number];
const isInstant = (key: string): boolean => (INSTANTS as readonly string[]).includes(key);

/** Instants inside are milliseconds; outside they are ISO 8601 in UTC. Brands are of no use outside. */
export type Outside<T> = T extends string
  ? Unbranded<T>
  : T extends readonly (infer U)[]
    ? readonly Outside<U>[]
    : T extends object
      ? { readonly [K in keyof T]: K extends InstantField ? InstantOutside<T[K]> : Outside<T[K]> }
      : T;
type InstantOutside<T> = T extends number ? string : Outside<T>;
/** Literal unions stay what they are; branded strings become plain ones. */
type Unbranded<T extends string> = T extends `${infer L}` ? (string extends L ? string : T) : string;

/** Replaces instants by ISO 8601, by the name of the field. */
export function withIsoInstants<T>(value: T): Outside<T> {
  const convert = (one: unknown, key: string): unknown => {
    if (typeof one === 'number') return isInstant(key) ? new Date(one).toISOString() : one;
    if (Array.isArray(one)) return one.map((item) => convert(item, key));
    if (one === null || typeof one !== 'object') return one;
    return Object.fromEntries(Object.entries(one).map(([name, item]) => [name, convert(item, name)]));
  };
  return convert(value, '') as Outside<T>;
}

/** One thing that would be replaced. */
export interface ChangeView {
  readonly app: string;
  readonly bundleId: string;
  readonly method: string;
  /** The node that alone has it, where every node has an identity of its own. */
  readonly holder: string | null;
  readonly targets: readonly string[];
  readonly old: AssetView;
  readonly new: AssetView;
}
export interface AssetView {
  readonly uuid: string;
  readonly name: string;
  readonly sha256: string;
  readonly expiresAt: string;
  readonly certificate: { readonly commonName: string; readonly serialLast6: string; readonly expiresAt: string } | null;
}

const assetView = (manifest: Manifest, entry: Manifest['profiles'][number]): AssetView => {
  const certificate = manifest.certificates[entry.identity];
  return {
    uuid: entry.profile.uuid,
    name: entry.profile.name,
    sha256: entry.profile.sha256,
    expiresAt: entry.profile.expiresAt,
    certificate:
      certificate === undefined
        ? null
        : { commonName: certificate.commonName, serialLast6: certificate.serial.slice(-6), expiresAt: certificate.expiresAt },
  };
};

/** What an approver approves: every entry that differs, old and new side by side. */
export const changesView = (from: Manifest, to: Manifest): readonly ChangeView[] =>
  diffManifests(from, to).changed.map(({ before, after }) => ({
    app: after.app,
    bundleId: after.bundleId,
    method: after.method,
    holder: after.holder ?? null,
    targets: after.targets,
    old: assetView(from, before),
    new: assetView(to, after),
  }));

/** A rotation among others: its status as it is told outside. */
export type RotationStatusView = Omit<Outside<RotationStatus>, 'turnedAt'> & {
  /** The incident rollback that undoes this rotation, the newest where there were several; its own phase says how far it came. */
  readonly undoneBy: string | null;
  /** Its workflow has ended without an outcome: the phase is the one in which it was left, and nothing goes on until somebody adopts it. */
  readonly orphaned: boolean;
  /** The phase in which it turned back or escalated; `completed`: it is an incident rollback. */
  readonly turnedIn: RotationStatus['turnedAt'];
};

/**
 * @param others newest first; where some of them undo this one, the first one counts
 * @param driving `nothing`: its workflow has ended without an outcome, and takes no commands
 */
export function rotationStatusView(
  status: RotationStatus,
  others: readonly RotationStatus[],
  driving: 'itself' | 'nothing' = 'itself',
): RotationStatusView {
  const { turnedAt, ...rest } = status;
  return {
    ...withIsoInstants(rest),
    ...(driving === 'nothing' ? { commands: [] } : {}),
    orphaned: driving === 'nothing',
    // Statuses on record may be older than these fields.
    undoes: status.undoes ?? null,
    undoneBy: others.find((other) => (other.undoes ?? null) === status.id)?.id ?? null,
    turnedIn: turnedAt,
  };
}

/** A rotation as the API, the CLI's `--json` and the console show it. */
export interface RotationView {
  readonly schemaVersion: 1;
  readonly rotation: RotationStatusView;
  /** Null while `to` is not frozen, or where `changesUnknown` says why they cannot be shown. */
  readonly changes: readonly ChangeView[] | null;
  /** A sentence: why what would be replaced cannot be shown now; null: it can. */
  readonly changesUnknown: string | null;
  /** Of one in flight: which of the old assets are revoked, or said to be: what it would go back to. In sentences without their full stop. */
  readonly revoked?: readonly string[];
  /** `workflow`: asked of Temporal just now; `ledger`: as last recorded. */
  readonly source: 'workflow' | 'ledger';
}

export interface RotationListView {
  readonly schemaVersion: 1;
  readonly rotations: readonly RotationStatusView[];
}

export interface RotationNodesView {
  readonly schemaVersion: 1;
  readonly rotation: string;
  readonly nodes: readonly Outside<RotationNodeRow>[];
}

export type EventView = Outside<HistoryEvent> & { readonly schemaVersion: 1 };
export const eventView = (event: HistoryEvent): EventView => ({ schemaVersion: 1, ...withIsoInstants(event) });
