import { accessSync, constants, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Configuration } from '../../configuration/load.js';
import { ResealError } from '../../domain/errors.js';
import type { AuditSinkDeclaration } from '../../schema/reseal.js';
import { addressOf } from '../../../activities/manifest-store/bucket/place.js';
import { copyOf, placeOf } from '../../temporal/audit/worker-log.js';
import { fail, pass, settle, type DoctorCheck, type Finding } from './finding.js';

/** Whether this machine reaches the copies of the audit log. Nothing is written there. */
export const checkSinks = (
  { reseal }: Pick<Configuration, 'reseal'>,
  env: NodeJS.ProcessEnv = process.env,
): Promise<readonly DoctorCheck[]> =>
  Promise.all(Object.entries(reseal.audit.sinks).map(([name, sink]) => settle(`audit sink ${name}`, () => look(name, sink, reseal, env))));

const WHEN_DOWN = { stop: 'rotations do not go forward while it is down', 'go-on': 'rotations go on while it is down' } as const;

async function look(name: string, sink: AuditSinkDeclaration, reseal: Configuration['reseal'], env: NodeJS.ProcessEnv): Promise<Finding> {
  const then = WHEN_DOWN[sink.whenDown];
  if (sink.kind === 'file') {
    let nearest = sink.path;
    while (!existsSync(nearest) && dirname(nearest) !== nearest) nearest = dirname(nearest);
    try {
      accessSync(nearest, constants.W_OK | constants.X_OK);
    } catch {
      return fail(
        `${nearest} cannot be written; ${then}`,
        'Mount it, or make it writable for the account of the workers; where only an agent or a gateway runs, none is needed.',
      );
    }
    return pass(`${sink.path}; ${then}`);
  }
  // A folder without a chain: the copy asks the bucket whether it locks, or the database for its table, and has nothing to bring over.
  const nothing = mkdtempSync(join(tmpdir(), 'reseal-doctor-'));
  const copy = copyOf(name, sink, reseal, env);
  try {
    await copy.catchUp(nothing);
    return pass(
      `${sink.kind === 'bucket' ? `${addressOf(placeOf(sink))}, with object lock` : 'in the ledger, which has its table'}; ${then}`,
    );
  } catch (error) {
    if (!(error instanceof ResealError) || error.code !== 'AUDIT_SINK_DOWN') throw error;
    return { verdict: 'away', reason: error.message, remedy: then };
  } finally {
    await copy.close?.();
    rmSync(nothing, { recursive: true, force: true });
  }
}
