import { isSha1, isUuid, type Sha1, type Uuid } from '../brands.js';

/** What a build was asked for: the words of `xcodebuild`, and what its log or settings say target by target. */
export interface BuildRequest {
  /** Settings of the command line, which count for every target: `CODE_SIGN_STYLE` to its value. */
  readonly settings: ReadonlyMap<string, string>;
  /** `-allowProvisioningUpdates` and the like, as given. */
  readonly flags: readonly string[];
  /** Options that take a value: `-xcconfig`, `-exportOptionsPlist`, `-exportPath`, `-archivePath` … */
  readonly options: ReadonlyMap<string, string>;
  readonly targets: readonly TargetSigning[];
  /** Sentences of the log that say why signing failed; each once. */
  readonly complaints: readonly Complaint[];
}

/** How one product was signed, as the log's `CodeSign` step or rendered settings say. */
export interface TargetSigning {
  /** Name of the product without its suffix, or of the target. */
  readonly name: string;
  readonly source: 'log' | 'settings';
  readonly profile: NamedProfile | null;
  readonly identity: NamedIdentity | null;
  readonly style: string | null;
  readonly team: string | null;
}

/** How a profile is named: a UUID names one, a name whichever bears it. */
export type NamedProfile =
  { readonly by: 'uuid'; readonly uuid: Uuid; readonly name: string | null } | { readonly by: 'name'; readonly name: string };
export type NamedIdentity = { readonly by: 'sha1'; readonly sha1: Sha1 } | { readonly by: 'name'; readonly name: string };

export interface Complaint {
  /** The line, without file and position before it. */
  readonly text: string;
  /** Its number in the log, from 1. */
  readonly line: number;
}

export const NO_REQUEST: BuildRequest = { settings: new Map(), flags: [], options: new Map(), targets: [], complaints: [] };

const SETTING = /^([A-Za-z_][A-Za-z0-9_]*)(?:\[[^\]]*\])?=([^]*)$/;
/** Options of xcodebuild that take the next word; others are flags, actions or settings (`man xcodebuild`). */
const WITH_VALUE = [
  '-xcconfig',
  '-exportOptionsPlist',
  '-exportPath',
  '-archivePath',
  '-scheme',
  '-configuration',
  '-target',
  '-project',
  '-workspace',
  '-sdk',
  '-destination',
  '-derivedDataPath',
  '-resultBundlePath',
  '-authenticationKeyPath',
  '-authenticationKeyID',
  '-authenticationKeyIssuerID',
];

/** Takes the words of an xcodebuild command line apart; a program before them does no harm. */
export function readBuildArguments(words: readonly string[]): BuildRequest {
  const settings = new Map<string, string>();
  const options = new Map<string, string>();
  const flags: string[] = [];
  for (let index = 0; index < words.length; index += 1) {
    const word = words[index] ?? '';
    const [, name, value] = SETTING.exec(word) ?? [];
    const following = words[index + 1];
    if (name !== undefined && value !== undefined) settings.set(name, value);
    else if (WITH_VALUE.includes(word) && following !== undefined) {
      options.set(word, following);
      index += 1;
    } else if (word.startsWith('-')) flags.push(word);
  }
  return { ...NO_REQUEST, settings, options, flags };
}

/** Two sources about one build; the later one's settings come first. */
export const together = (one: BuildRequest, other: BuildRequest): BuildRequest => ({
  settings: new Map([...one.settings, ...other.settings]),
  options: new Map([...one.options, ...other.options]),
  flags: [...new Set([...one.flags, ...other.flags])],
  targets: [...one.targets, ...other.targets],
  complaints: [...one.complaints, ...other.complaints],
});

/** Null where the text names none: it is empty, or a variable that only the build resolves. */
export function namedProfile(text: string | undefined): NamedProfile | null {
  const trimmed = text?.trim() ?? '';
  if (trimmed === '' || isVariable(trimmed)) return null;
  const lower = trimmed.toLowerCase();
  return isUuid(lower) ? { by: 'uuid', uuid: lower, name: null } : { by: 'name', name: trimmed };
}

/** As `namedProfile`. */
export function namedIdentity(text: string | undefined): NamedIdentity | null {
  const trimmed = text?.trim() ?? '';
  if (trimmed === '' || trimmed === '-' || isVariable(trimmed)) return null;
  const lower = trimmed.toLowerCase();
  return isSha1(lower) ? { by: 'sha1', sha1: lower } : { by: 'name', name: trimmed };
}

/** `$(X)`, `${X}`, `$X` and what CI services put in for themselves, `${{ x }}`, `<< x >>`. */
export const isVariable = (text: string): boolean => /\$[({A-Za-z_]|<<|%[A-Za-z_]+%/.test(text);

export const shownProfile = (profile: NamedProfile): string =>
  profile.by === 'name' ? `"${profile.name}"` : profile.name === null ? profile.uuid : `${profile.uuid} "${profile.name}"`;
