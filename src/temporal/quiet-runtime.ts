import { inspect } from 'node:util';
import { DefaultLogger, Runtime } from '@temporalio/worker';
import { withoutSecrets } from '../domain/without-secrets.js';

let quiet = false;

/**
 * The SDK tells every state of a worker on stderr; people want to hear of trouble only. What it says goes through `withoutSecrets`: it quotes errors of
 * anybody's making, with their stacks. Once per process, before anything else uses the SDK.
 */
export function quietRuntime(): void {
  if (quiet) return;
  quiet = true;
  const logger = new DefaultLogger('ERROR', ({ level, timestampNanos, message, meta }) => {
    const at = new Date(Number(timestampNanos / 1_000_000n)).toISOString();
    const more = meta === undefined || Object.keys(meta).length === 0 ? '' : ` ${inspect(meta, { depth: 4 })}`;
    process.stderr.write(`${at} [${level}] ${withoutSecrets(`${message}${more}`)}\n`);
  });
  Runtime.install({ logger, shutdownSignals: [] });
}
