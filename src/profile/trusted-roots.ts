import type { Configuration } from '../configuration/load.js';
import { APPLE_ROOTS, pinRootFiles, type PinnedRoot } from './trust.js';

/**
 * The roots that count under a configuration. Extra ones are honoured for simulated nodes only: one real node, and Apple
 * alone is believed.
 *
 * @throws ResealError FILE_UNREADABLE, CONFIG_INVALID for an extra root that cannot be read
 */
export function trustedRoots(configuration: Pick<Configuration, 'topology' | 'reseal'>): readonly PinnedRoot[] {
  const simulated = configuration.topology.nodes.every((node) => node.environment === 'simulated');
  return simulated ? [...APPLE_ROOTS, ...pinRootFiles(configuration.reseal.trust.extraRoots)] : APPLE_ROOTS;
}
