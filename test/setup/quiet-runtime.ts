import { appendFileSync } from 'node:fs';
import { DefaultLogger, Runtime } from '@temporalio/worker';

/** What the SDK says of every attempt that fails. Tests make activities fail on purpose, by the hundred; those that must not fail say so themselves. */
const FAILED_ATTEMPTS = ['Activity failed'];
/** And of every agent and gateway. */
const ACTIVITIES_ONLY = ['No workflows registered, not polling for workflow tasks'];

const loud = new DefaultLogger('WARN');

/** A file that gets every line, however unimportant, of this process and of those that it starts: for tests that search logs. */
const everything = process.env['RESEAL_TEST_LOG'];

/**
 * The SDK's runtime of a test process: it tells each state of each worker, and each failed attempt with its stack, where a person looks for
 * the tests' own lines. Any other warning stays. It can be installed once per process, before anything else uses the SDK: by importing this
 * first.
 */
Runtime.install({
  logger: new DefaultLogger(everything === undefined ? 'WARN' : 'TRACE', (entry) => {
    const { level, message, meta } = entry;
    if (everything !== undefined)
      appendFileSync(everything, `${process.pid} ${level} ${message} ${JSON.stringify(meta, (_, value: unknown) => value instanceof Error ? `${value.stack}` : typeof value === 'bigint' ? `${value}` : value)}\n`); // prettier-ignore
    if (level !== 'WARN' && level !== 'ERROR') return;
    if (![...FAILED_ATTEMPTS, ...ACTIVITIES_ONLY].includes(message)) loud.log(level, message, meta);
  }),
});
