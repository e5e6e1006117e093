import type { NodeName } from './brands.js';
import type { Manifest, ManifestEntry, Method } from './manifest.js';

/** What one build reads: all entries of a method, for one variant and one holder. */
export interface SettingsSelection {
  readonly method: Method;
  /** null: the entries without a variant alone. */
  readonly variant: string | null;
  readonly entries: readonly ManifestEntry[];
}

const METHODS: readonly Method[] = ['app-store', 'ad-hoc', 'development', 'enterprise'];
const segments = new Intl.Segmenter('en', { granularity: 'grapheme' });

/**
 * Xcode's `$(TARGET_NAME:identifier)`: characters that a C identifier may not hold become `_`, and so does a leading digit.
 * Source: swift-build, `asLegalCIdentifier` (it decomposes first, and replaces whole graphemes).
 */
export function targetIdentifier(target: string): string {
  const characters = [...segments.segment(target.normalize('NFD'))];
  return characters
    .map(({ segment, index }) => (/^[A-Za-z_]$/.test(segment) || (index > 0 && /^[0-9]$/.test(segment)) ? segment : '_'))
    .join('');
}

const appKey = (entry: ManifestEntry): string => [entry.team, entry.bundleId].join(' ');

/**
 * The selections that get settings of their own, for one holder (null: the entries that no node holds alone). A variant's
 * selection has the entries of that variant, and of the others those without a variant whose bundle the variant does not replace.
 * A holder's own entries come before shared ones of the same bundle, for the same reason.
 */
export function settingsSelections(manifest: Manifest, holder: NodeName | null): readonly SettingsSelection[] {
  return METHODS.flatMap((method) => {
    const visible = manifest.profiles.filter((entry) => entry.method === method && (entry.holder === undefined || entry.holder === holder));
    const variants = [...new Set(visible.flatMap((entry) => (entry.variant === undefined ? [] : [entry.variant])))].sort();
    const choices: readonly (string | null)[] = visible.some((entry) => entry.variant === undefined) ? [null, ...variants] : variants;
    return choices.map((variant) => ({ method, variant, entries: select(visible, variant) }));
  });
}

function select(visible: readonly ManifestEntry[], variant: string | null): readonly ManifestEntry[] {
  const rank = (entry: ManifestEntry): number => (entry.variant === undefined ? 0 : 2) + (entry.holder === undefined ? 0 : 1);
  const candidates = visible.filter((entry) => entry.variant === undefined || entry.variant === variant);
  const best = new Map<string, number>();
  for (const entry of candidates) best.set(appKey(entry), Math.max(best.get(appKey(entry)) ?? 0, rank(entry)));
  return candidates.filter((entry) => rank(entry) === best.get(appKey(entry)));
}
