import { existsSync } from 'node:fs';
import { Client } from '@temporalio/client';
import type { Configuration } from '../../configuration/load.js';
import { ResealError } from '../../domain/errors.js';
import { parseIdentity } from '../../temporal/worker-identity.js';
import { SILENCE } from '../../temporal/agent/only-one.js';
import { pollersOf } from '../../temporal/agent/pollers.js';
import { controlKeys, readControlKeys, type ControlKeys } from '../../temporal/codec/declared.js';
import type { StoredKey } from '../../temporal/codec/key-file.js';
import { reasonsToKeep, rootsMissing } from '../../temporal/codec/needed.js';
import { connectClient } from '../../temporal/connection.js';
import { TASK_QUEUE } from '../../temporal/task-queue.js';
import { fail, pass, settle, type DoctorCheck, type Finding } from './finding.js';
import { serversOf } from './serving.js';

interface Around {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly now: () => number;
}

/** Whether payloads are encrypted, all workers read the key that is written with, and none is gone that is still needed. */
export async function checkCodec(configuration: Configuration, around: Around): Promise<readonly DoctorCheck[]> {
  const keys = controlKeys(configuration, around.home);
  if (keys === null) return [{ check: 'codec', ...plain(configuration) }];
  if (isElsewhere(configuration, keys)) return [];
  if (keys.kind === 'home' && !existsSync(keys.file))
    return [{ check: 'codec', verdict: 'later', reason: `no codec key in ${around.home} yet`, remedy: '`reseal up` makes one at its first start.' }]; // prettier-ignore
  const read: StoredKey[] = [];
  const file = await settle('codec', async () => {
    read.push(...(await readControlKeys(keys, around.env)));
    return pass(read.map(({ id, status, since }) => `${id}, ${status} since ${since.slice(0, 10)}`).join('\n'));
  });
  const { address } = configuration.reseal.temporal;
  if (read.length === 0 || address === 'embedded') return [file];
  return [file, ...(await checkUse(configuration, read, around.now))];
}

/** A Mac with an agent has the keys of its node alone: those of the control plane are looked at where they are. */
function isElsewhere({ reseal }: Configuration, keys: ControlKeys): boolean {
  if (keys.kind === 'home' || !('file' in keys.source) || existsSync(keys.source.file)) return false;
  const nodes = reseal.codec === undefined || reseal.codec === 'none' ? undefined : reseal.codec.nodes;
  return nodes !== undefined && 'file' in nodes && existsSync(nodes.file);
}

function plain({ reseal, topology }: Configuration): Finding {
  if (reseal.codec === 'none') return pass('payloads in Temporal are plain, as reseal.yaml declares');
  if (topology.nodes.every((node) => node.environment === 'simulated'))
    return pass('payloads in Temporal are plain: every node is simulated');
  return fail(
    'payloads in Temporal are plain: whoever reads its namespace or its database reads them',
    'Declare codec in reseal.yaml and make a key with `reseal codec-key new` (docs/operating.md), or declare codec: none.',
  );
}

async function checkUse(configuration: Configuration, keys: readonly StoredKey[], now: () => number): Promise<readonly DoctorCheck[]> {
  const { address, namespace } = configuration.reseal.temporal;
  try {
    const { connection } = await connectClient({ address, namespace });
    try {
      const client = new Client({ connection, namespace });
      return [
        await settle('codec workers', () => readers(client, configuration, keys, now())),
        await settle('codec kept', () => kept(client, keys, now())),
      ];
    } finally {
      await connection.close();
    }
  } catch (error) {
    // That Temporal is away is told by its own check.
    if (error instanceof ResealError && error.code === 'TEMPORAL_UNREACHABLE') return [];
    throw error;
  }
}

/** Workers tell which keys they have; the one that they write with comes first. */
async function readers(client: Client, configuration: Configuration, keys: readonly StoredKey[], now: number): Promise<Finding> {
  const active = keys.find((key) => key.status === 'active')?.id ?? '';
  const found: { readonly name: string; readonly has: readonly string[] }[] = [];
  for (const queue of [TASK_QUEUE, ...serversOf(configuration).map((server) => server.taskQueue)]) {
    for (const { identity, seenAt } of await pollersOf(client, client.options.namespace, queue)) {
      const known = parseIdentity(identity);
      if (known !== null && now - seenAt <= SILENCE)
        found.push({ name: `process ${known.pid} on ${known.host} (${queue})`, has: known.codecKeys ?? [] });
    }
  }
  const without = found.filter(({ has }) => !has.includes(active)).map(({ name }) => `${name} does not read ${active}`);
  const late = found
    .filter(({ has }) => has.includes(active) && has[0] !== active)
    .map(({ name, has }) => `${name} still writes with ${has[0] ?? ''}`);
  if (without.length + late.length === 0) return pass(`${found.length} workers write with ${active}`);
  return fail(
    [...without, ...late].join('\n'),
    'Give them the key (`reseal codec-key hand-out` for agents and gateways), and start them again.',
  );
}

async function kept(client: Client, keys: readonly StoredKey[], now: number): Promise<Finding> {
  const missing = await rootsMissing(client, keys.map((key) => key.id)); // prettier-ignore
  if (missing.size > 0) {
    const gone = [...missing].map(([root, where]) => `${where} is under ${root}, which the key file does not have`);
    return fail(gone.join('\n'), 'Put the key back into the file from where it is kept, and start API and workers again.');
  }
  const old = keys.filter((key) => key.status === 'read-only');
  const lines = await Promise.all(
    old.map(async (key) => {
      const [reason] = await reasonsToKeep(client, key, now);
      return reason === undefined ? `${key.id} may be retired` : `${key.id}: ${reason}`;
    }),
  );
  return pass(lines.length === 0 ? 'there is no key but the active one' : lines.join('\n'));
}
