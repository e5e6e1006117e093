import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ChainWriter, type ChainOptions } from '../../activities/audit/chain-writer.js';
import { chainIn, itemsOf, verifyItems } from '../../activities/audit/verify-chain.js';
import type { AuditSubject } from '../../src/domain/audit/record.js';
import type { KnownHead, Verification } from '../../src/domain/audit/verify.js';
import { newMachineKey, readMachineKey, type MachineKey } from '../../src/statement/machine-key.js';
import { temporaryFolder } from '../setup/temporary-folder.js';

export const newKey = (): MachineKey => readMachineKey(newMachineKey(), 'the key of a test', 'reseal node enroll');

export const intent = (effect: string, facts: Readonly<Record<string, string | number>> = {}): AuditSubject => ({
  ...{ kind: 'intent', effect, attempt: 1, facts },
});

export function chainOptions(change: Partial<ChainOptions> = {}): ChainOptions {
  const folder = join(temporaryFolder('reseal-audit'), 'chain');
  return { folder, writer: { kind: 'worker', name: 'desk' }, key: () => Promise.resolve(null), version: '0.1.0', ...change };
}

/** Begins a chain and appends so many records, each by itself. */
export async function written(options: ChainOptions, records: number): Promise<ChainWriter> {
  const writer = await ChainWriter.open(options);
  for (let number = 1; number <= records; number++) await writer.append(intent('advanceHead', { line: 'ios-main', seq: number }));
  return writer;
}

export async function verified(
  folder: string,
  known: readonly KnownHead[] = [],
  keys: readonly string[] | null = null,
): Promise<Verification> {
  const chain = known[0]?.chain ?? (await chainIn(folder)) ?? 'none';
  return verifyItems(chain, itemsOf(folder), known, keys);
}

/** What is wrong with it, in short: `changed 3`. */
export const faults = ({ findings }: Verification): readonly string[] => findings.map(({ fault, seq }) => `${fault} ${seq ?? ''}`.trim());

const files = (folder: string): readonly string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.jsonl'))
    .sort();

/** The lines of a whole chain, without newlines. */
export const linesIn = (folder: string): string[] =>
  files(folder).flatMap((name) => readFileSync(join(folder, name), 'utf8').split('\n').slice(0, -1));

/** Somebody who may write the files puts other lines into them. */
export function overwrite(folder: string, lines: readonly string[]): void {
  mkdirSync(folder, { recursive: true });
  const [first = '0000000000000001.jsonl', ...others] = files(folder);
  for (const name of others) writeFileSync(join(folder, name), '');
  writeFileSync(join(folder, first), lines.map((line) => `${line}\n`).join(''));
}
