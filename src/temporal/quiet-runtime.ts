import { DefaultLogger, Runtime } from '@temporalio/worker';

let quiet = false;

/** The SDK tells every state of a worker on stderr; people want to hear of trouble only. Once per process, before anything else uses the SDK. */
export function quietRuntime(): void {
  if (quiet) return;
  quiet = true;
  Runtime.install({ logger: new DefaultLogger('ERROR'), shutdownSignals: [] });
}
