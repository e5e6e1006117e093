import type { Configuration } from '../configuration/load.js';
import { ResealError } from '../domain/errors.js';

/**
 * The Temporal server of a process that stands on another machine than the rest. @param command for the sentence
 * @throws ResealError CONFIG_INVALID where it is embedded in one that nobody else reaches
 */
export function serverOf({ reseal }: Configuration, command: string): { readonly address: string; readonly namespace: string } {
  const { address, namespace } = reseal.temporal;
  if (address !== 'embedded') return { address, namespace };
  throw new ResealError(
    'CONFIG_INVALID',
    `\`reseal ${command}\` needs a Temporal server that it reaches: set temporal.address (host:7233) in reseal.yaml. The one that \`reseal up\` embeds is for that process alone.`,
  );
}
