import { bySource, keptImport, type ImportSeal, type KeptImport } from '../../src/domain/imports/kept.js';
import type { Sha256 } from '../../src/domain/brands.js';
import type { MachineKey } from '../../src/statement/machine-key.js';

/** The installation's key for its orders, which seals what workers take in by themselves: `none` where it has none, `elsewhere` for whoever only looks. */
export type SealKey = MachineKey | 'none' | 'elsewhere';

/** What a worker keeps of profiles that it has from a source itself. */
export function sealedImport(key: MachineKey, installation: string, profiles: readonly Sha256[], source: string): KeptImport {
  const by = bySource(source);
  const statement: ImportSeal = { schema: 'reseal-import-v1', installation, by, profiles };
  return keptImport(by, { sealed: { statement, signature: key.sign(statement) } });
}
