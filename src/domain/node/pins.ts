import type { Duration, Instant, Sha256 } from '../brands.js';
import { notPlain } from '../plain-text.js';

/** A build's lease on a manifest, as the gate writes it on the node that the build runs on (rotation.md, "Pins"). */
export interface Pin {
  readonly job: string;
  /** null: the gate was not told. */
  readonly pipeline: string | null;
  readonly bundles: readonly string[];
  readonly manifest: Sha256;
  /** When it was taken, or last renewed, by the node's clock. */
  readonly at: Instant;
  /** The build's own word for how long it takes at most. */
  readonly expires: Instant;
}

/** What a node has of pins on one line. */
export interface NodePins {
  /** Pipelines that have pinned here within `PIN_MEMORY`; `''` one without a name. None: the node is unknown, and unknown is not zero. */
  readonly pipelines: readonly string[];
  /** The first to expire first. */
  readonly held: readonly Pin[];
}

/** A pipeline that has been silent for so long may have dropped its pins: it is unknown again. */
export const PIN_MEMORY: Duration = 30 * 86_400_000;

/** Longest name of a job or a pipeline that counts, as in the gate. */
const LONGEST_NAME = 500;
const MOST_BUNDLES = 500;
const LONGEST_BUNDLE = 255;

/** A file of `<state>/pins`. Builds write that folder, so nothing in it is trusted to be what it should: null where it is not. */
export type PinFile =
  { readonly kind: 'pin'; readonly pin: Pin } | { readonly kind: 'seen'; readonly pipeline: string; readonly at: Instant };

export function parsePinFile(name: string, text: string): PinFile | null {
  const value = objectOf(text);
  const at = instantOf(value?.['at']);
  if (value === null || at === null) return null;
  const pipeline = value['pipeline'];
  if (pipeline !== null && !isName(pipeline)) return null;
  if (name.startsWith('seen.')) return { kind: 'seen', pipeline: pipeline ?? '', at };
  const { job, bundles, manifest } = value;
  const expires = instantOf(value['expires']);
  if (!isName(job) || expires === null || typeof manifest !== 'string' || !/^[0-9a-f]{64}$/.test(manifest)) return null;
  if (!Array.isArray(bundles) || bundles.length > MOST_BUNDLES || !bundles.every(isBundle)) return null;
  return { kind: 'pin', pin: { job, pipeline, bundles, manifest: manifest as Sha256, at, expires } };
}

/** Names of the files in `<state>/pins` that are about this line; drafts and what is none of the gate's are left out. */
export const isPinFile = (name: string, line: string): boolean =>
  /^(?:seen\.)?[0-9a-f]{32}\./.test(name) && name.replace(/^(?:seen\.)?[0-9a-f]{32}\./, '') === `${line}.json`;

export function nodePins(files: readonly PinFile[], now: Instant): NodePins {
  const pipelines = files.flatMap((one) => (one.kind === 'seen' && now - one.at <= PIN_MEMORY ? [one.pipeline] : []));
  const held = files.flatMap((one) => (one.kind === 'pin' ? [one.pin] : []));
  return { pipelines: [...new Set(pipelines)].sort(), held: held.sort((a, b) => a.expires - b.expires) };
}

/** The pins on one manifest, in as few words as a rotation needs. */
export interface PinnedManifest {
  readonly manifest: Sha256;
  readonly builds: number;
  /** When the first of them expires. */
  readonly soonest: Instant;
  /** Some of the jobs, for people. */
  readonly jobs: readonly string[];
}

/** What a rotation is told of a node's pins. */
export interface PinsSeen {
  readonly pipelines: readonly string[];
  readonly manifests: readonly PinnedManifest[];
}

const MOST_JOBS = 3;
const SHOWN_NAME = 80;

export function pinsSeen({ pipelines, held }: NodePins): PinsSeen {
  const manifests = [...new Set(held.map((pin) => pin.manifest))].flatMap((manifest) => pinned({ held }, manifest) ?? []);
  return { pipelines, manifests };
}

/** null: no build has pinned it. */
export function pinned({ held }: Pick<NodePins, 'held'>, manifest: Sha256): PinnedManifest | null {
  const on = held.filter((pin) => pin.manifest === manifest);
  const [first] = on;
  if (first === undefined) return null;
  return { manifest, builds: on.length, soonest: first.expires, jobs: on.slice(0, MOST_JOBS).map(({ job }) => job.slice(0, SHOWN_NAME)) };
}

function objectOf(text: string): Readonly<Record<string, unknown>> | null {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : null;
  } catch {
    return null;
  }
}

function instantOf(value: unknown): Instant | null {
  const at = typeof value === 'string' ? Date.parse(value) : Number.NaN;
  return Number.isFinite(at) ? at : null;
}

const isName = (value: unknown): value is string =>
  typeof value === 'string' && value !== '' && value.length <= LONGEST_NAME && notPlain(value) === null;
const isBundle = (value: unknown): value is string =>
  typeof value === 'string' && value.length <= LONGEST_BUNDLE && notPlain(value) === null;
