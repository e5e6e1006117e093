import { build, type PlistValue } from 'plist';
import type { NodeName, Sha256 } from '../domain/brands.js';
import type { Manifest, ManifestEntry, Method } from '../domain/manifest.js';
import { keyAlias } from '../domain/key-alias.js';
import { settingsSelections, targetIdentifier, type SettingsSelection } from '../domain/settings.js';

export interface SettingsFile {
  /** Below `settings/`: `<sha256>/<method>/[<variant>/]reseal.xcconfig`. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

export interface SettingsOptions {
  /** Render what this node reads where entries have holders; null (default): the entries that nobody holds alone. */
  readonly holder?: NodeName | null;
  /** Where keys are: `sidecar` renders the key alias of each target too. Default `nodes`. */
  readonly keys?: 'nodes' | 'sidecar';
  /** Names of the export methods; Xcode 15.3 renamed them. Default `current`. */
  readonly methodNames?: 'current' | 'before-15.3';
}

const CURRENT: Readonly<Record<Method, string>> = {
  'app-store': 'app-store-connect',
  'ad-hoc': 'release-testing',
  development: 'debugging',
  enterprise: 'enterprise',
};

/** The settings of a manifest, as files below `settings/`: equal manifests give equal bytes. */
export function renderSettings(manifest: Manifest, digest: Sha256, options: SettingsOptions = {}): readonly SettingsFile[] {
  const encoder = new TextEncoder();
  return settingsSelections(manifest, options.holder ?? null).flatMap((selection) => {
    const folder = [digest, selection.method, ...(selection.variant === null ? [] : [selection.variant])].join('/');
    return [
      { path: `${folder}/reseal.xcconfig`, bytes: encoder.encode(xcconfig(manifest, digest, selection, options.keys ?? 'nodes')) },
      { path: `${folder}/ExportOptions.plist`, bytes: encoder.encode(exportOptions(selection, options.methodNames ?? 'current')) },
    ];
  });
}

/** `security find-identity` prints digests in capitals; both spellings name the same certificate to codesign and xcodebuild. */
const identityName = (entry: ManifestEntry): string => entry.identity.toUpperCase();

function xcconfig(manifest: Manifest, digest: Sha256, selection: SettingsSelection, keys: 'nodes' | 'sidecar'): string {
  const perTarget = selection.entries
    .flatMap((entry) => entry.targets.map((target) => ({ name: targetIdentifier(target), entry })))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap(({ name, entry }) => [
      `RESEAL_PROFILE_${name} = ${entry.profile.uuid}`,
      `RESEAL_IDENTITY_${name} = ${identityName(entry)}`,
      `RESEAL_TEAM_${name} = ${entry.team}`,
      ...(keys === 'sidecar' ? [`RESEAL_ALIAS_${name} = ${keyAlias(manifest.line, entry.identity)}`] : []),
      `RESEAL_STYLE_${name} = Manual`,
    ]);
  const variant = selection.variant === null ? '' : `, variant ${selection.variant}`;
  return [
    `// Rendered by reseal from manifest ${digest} (line ${manifest.line}, ${selection.method}${variant}). Do not edit.`,
    ...perTarget,
    'PROVISIONING_PROFILE_SPECIFIER = $(RESEAL_PROFILE_$(TARGET_NAME:identifier))',
    'CODE_SIGN_IDENTITY = $(RESEAL_IDENTITY_$(TARGET_NAME:identifier))',
    'DEVELOPMENT_TEAM = $(RESEAL_TEAM_$(TARGET_NAME:identifier))',
    'CODE_SIGN_STYLE = $(RESEAL_STYLE_$(TARGET_NAME:identifier))',
    '',
  ].join('\n');
}

/**
 * `teamID` and `signingCertificate` are one value each for the whole archive. Where the entries of a method differ in one (two
 * certificates side by side during a rotation), it is left out: xcodebuild then takes it from each named profile.
 */
function exportOptions(selection: SettingsSelection, names: 'current' | 'before-15.3'): string {
  const teams = new Set(selection.entries.map((entry) => entry.team));
  const identities = new Set(selection.entries.map(identityName));
  const [team] = teams;
  const [identity] = identities;
  const profiles = selection.entries
    .map((entry): [string, string] => [entry.bundleId, entry.profile.uuid])
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const options: Record<string, PlistValue> = {
    method: names === 'current' ? CURRENT[selection.method] : selection.method,
    provisioningProfiles: Object.fromEntries(profiles),
    ...(identities.size === 1 && identity !== undefined ? { signingCertificate: identity } : {}),
    signingStyle: 'manual',
    ...(teams.size === 1 && team !== undefined ? { teamID: team } : {}),
  };
  return `${build(options).trimEnd()}\n`;
}
