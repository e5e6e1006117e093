import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { holdChain, type HeldChain } from '../../src/temporal/audit/hold-chain.js';
import { temporaryFolder } from '../setup/temporary-folder.js';
import { faults, verified } from './chains.js';

const HOLDER = fileURLToPath(new URL('holder.ts', import.meta.url));
const noKey = () => Promise.resolve(null);
const hold = (folder: string): Promise<HeldChain> => holdChain(folder, { kind: 'worker', name: 'desk' }, noKey);

it('gives two processes two chains, and a chain whose process was killed to the next one', async () => {
  const folder = join(temporaryFolder('reseal-audit'), 'audit');
  const other = spawn(process.execPath, ['--import', 'tsx', HOLDER, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [theirs] = (await once(other.stdout.setEncoding('utf8'), 'data')) as [string];
  const mine = await hold(folder);
  expect(mine.writer.head?.chain).not.toBe(theirs.trim());
  expect(mine.writer.folder).toBe(join(folder, 'worker-2'));

  const ended = once(other, 'close');
  other.kill('SIGKILL');
  await ended;
  const next = await hold(folder);
  expect(next.writer.head).toMatchObject({ chain: theirs.trim(), seq: 2 });
  await Promise.all([mine.release(), next.release()]);
  for (const name of ['worker-1', 'worker-2']) expect(faults(await verified(join(folder, name)))).toEqual([]);
  expect(readdirSync(folder)).toEqual(['worker-1', 'worker-2']);
}, 20_000);
