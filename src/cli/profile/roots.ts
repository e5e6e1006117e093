import { loadConfiguration } from '../../configuration/load.js';
import { ResealError } from '../../domain/errors.js';
import { APPLE_ROOTS, type PinnedRoot } from '../../profile/index.js';
import { trustedRoots } from '../../profile/trusted-roots.js';
import type { Context } from '../command.js';
import { configFolder } from '../config-folder.js';

/**
 * The roots that count under the configuration. A file can be looked at without any: where none is named and none is there, Apple's count.
 *
 * @throws ResealError CONFIG_MISSING for one that was named, CONFIG_INVALID, FILE_UNREADABLE
 */
export function rootsOf(context: Pick<Context, 'config' | 'home' | 'env' | 'cwd'>): readonly PinnedRoot[] {
  try {
    return trustedRoots(loadConfiguration(configFolder(context)));
  } catch (error) {
    const named = context.config !== undefined || (context.env['RESEAL_CONFIG'] ?? '') !== '';
    if (!named && error instanceof ResealError && error.code === 'CONFIG_MISSING') return APPLE_ROOTS;
    throw error;
  }
}
