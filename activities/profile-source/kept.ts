import type { ResealConfiguration } from '../../src/schema/reseal.js';
import type { ProfileSource } from './contract.js';
import { openDeclaredSource, type SourceSurroundings } from './declared.js';

/** Sources that are opened once for as long as nothing of their declaration changes: they keep clones, tokens, and how much of a rate limit is left. */
export class KeptSources {
  private readonly kept = new Map<string, { readonly declared: string; readonly source: ProfileSource }>();

  /** @throws ResealError CONFIG_INVALID where reseal.yaml has no source of that name */
  source(reseal: Pick<ResealConfiguration, 'sources' | 'ssh'>, name: string, around: SourceSurroundings): ProfileSource {
    const declared = JSON.stringify([reseal.sources[name], reseal.ssh, around.clones, around.holders]);
    const found = this.kept.get(name);
    if (found?.declared === declared) return found.source;
    const source = openDeclaredSource(reseal, name, around);
    this.kept.set(name, { declared, source });
    return source;
  }
}
