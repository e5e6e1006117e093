/** `npm run bench:audit`: an append to an audit chain beside a bare one with fsync, and the verification of a million records. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { ChainWriter } from '../../activities/audit/chain-writer.js';
import { recordLine, sealLine } from '../../activities/audit/line.js';
import { segmentName } from '../../activities/audit/segments.js';
import { chainIn, itemsOf, verifyItems } from '../../activities/audit/verify-chain.js';
import { NO_PREDECESSOR, sealStatement, type AuditHead, type AuditSubject } from '../../src/domain/audit/record.js';
import { newMachineKey, readMachineKey } from '../../src/statement/machine-key.js';
import { median } from './median.js';

const { values } = parseArgs({
  options: {
    records: { type: 'string', default: '1000000' },
    appends: { type: 'string', default: '300' },
    repetitions: { type: 'string', default: '5' },
    /** Of the process that verifies; not for people. */
    verify: { type: 'string' },
  },
});
/** How many times a bare append an append may take; MiB that verifying may hold. */
const REACH = { append: 2, memory: 256 };
const PER_FILE = 60_000;
const key = readMachineKey(newMachineKey(), 'the benchmark', 'reseal node enroll');

const subject = (seq: number): AuditSubject => ({
  kind: 'intent',
  effect: 'switchNode',
  attempt: 1,
  facts: { line: 'ios-main', rotation: 'ios-main-12', epoch: 12_000, opId: 'ios-main-12/switch/12000', node: `bom-${seq % 1_000}`, target: '3f'.repeat(32) },
}); // prettier-ignore

/** Milliseconds of each append, one after the other. */
async function timed(times: number, append: (number: number) => Promise<unknown>): Promise<readonly number[]> {
  const all: number[] = [];
  for (let number = 1; number <= times; number++) {
    const began = performance.now();
    await append(number);
    all.push(performance.now() - began);
  }
  return all;
}

async function bare(path: string, times: number): Promise<readonly number[]> {
  const file = await open(path, 'a');
  const bytes = Buffer.concat([recordLine({ schemaVersion: 1, chain: 'bench', seq: 1, at: new Date().toISOString(), previous: NO_PREDECESSOR, ...subject(1) }).bytes, Buffer.from('\n')]); // prettier-ignore
  try {
    return await timed(times, async () => {
      await file.write(bytes);
      await file.sync();
    });
  } finally {
    await file.close();
  }
}

/** A chain of that many records, as its writer would have written it, without a sync per record. */
async function writeChain(folder: string, records: number): Promise<void> {
  mkdirSync(folder);
  let last: AuditHead = { chain: 'worker-bench-000000000000', seq: 0, digest: NO_PREDECESSOR };
  while (last.seq < records) {
    const lines: Uint8Array[] = [];
    const first = last.seq + 1;
    for (let seq = first; seq < first + PER_FILE && seq <= records; seq++) {
      const about: AuditSubject = seq === 1 ? { kind: 'begin', writer: { kind: 'worker', name: 'bench' }, key: key.line, version: '0', after: null } : subject(seq); // prettier-ignore
      const { bytes, head } = recordLine({ schemaVersion: 1, chain: last.chain, seq, at: new Date().toISOString(), previous: last.digest, ...about }); // prettier-ignore
      last = head;
      lines.push(bytes, Buffer.from('\n'));
      if (seq % 100 === 0 || seq === records)
        lines.push(sealLine({ seal: head, signature: key.sign(sealStatement(head)) }), Buffer.from('\n'));
    }
    const file = await open(join(folder, segmentName(first)), 'w');
    await file.writeFile(Buffer.concat(lines)).finally(() => file.close());
  }
}

interface Verified {
  readonly records: number;
  readonly findings: number;
  readonly seconds: number;
  /** The largest that the process has been, in MiB. */
  readonly mebibytes: number;
}

async function verifyHere(folder: string): Promise<Verified> {
  const began = performance.now();
  const read = await verifyItems((await chainIn(folder)) ?? '', itemsOf(folder), [], null);
  const seconds = (performance.now() - began) / 1_000;
  return { records: read.records, findings: read.findings.length, seconds, mebibytes: process.resourceUsage().maxRSS / 1_024 };
}

/** In a process of its own, so that its memory is its own. */
function verifyApart(folder: string): Verified {
  const { stdout, stderr, status } = spawnSync(process.execPath, [...process.execArgv, process.argv[1] ?? '', '--verify', folder], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(`verifying ended with ${status ?? 'a signal'}: ${stderr}`);
  return JSON.parse(stdout) as Verified;
}

async function main(): Promise<void> {
  const root = mkdtempSync(join(tmpdir(), 'reseal-bench-audit-'));
  try {
    console.log(`load ${readFileSync('/proc/loadavg', 'utf8').split(' ').slice(0, 3).join(' ')}`);
    const writer = await ChainWriter.open({ folder: join(root, 'appended'), writer: { kind: 'worker', name: 'bench' }, key: () => Promise.resolve(key), version: '0' }); // prettier-ignore
    const times = Number(values.appends);
    const ratios: number[] = [];
    for (let repetition = 0; repetition < Number(values.repetitions); repetition++) {
      const plain = median(await bare(join(root, 'bare'), times));
      const audited = median(await timed(times, (number) => writer.append(subject(number))));
      ratios.push(audited / plain);
      console.log(`append: ${audited.toFixed(2)} ms, bare with fsync ${plain.toFixed(2)} ms, ratio ${(audited / plain).toFixed(2)}`);
    }
    await writer.close();
    console.log(`median ratio ${median(ratios).toFixed(2)} (reach: at most ${REACH.append})`);

    const most = Number(values.records);
    const runs = [most / 4, most / 2, most].map((records) => {
      return { records, folder: join(root, `chain-${records}`) };
    });
    const verified: Verified[] = [];
    for (const { records, folder } of runs) {
      await writeChain(folder, records);
      const run = verifyApart(folder);
      if (run.records !== records || run.findings > 0) throw new Error(`${run.records} of ${records} records, ${run.findings} findings`);
      console.log(
        `verify of ${records} records: ${run.seconds.toFixed(1)} s, ${((run.seconds / records) * 1e6).toFixed(1)} µs each, ${run.mebibytes.toFixed(0)} MiB`,
      );
      verified.push(run);
      rmSync(folder, { recursive: true });
    }
    const perRecord = verified.map(({ seconds, records }) => seconds / records);
    const linear = (perRecord.at(-1) ?? 0) / (perRecord[0] ?? 1);
    const memory = Math.max(...verified.map(({ mebibytes }) => mebibytes));
    console.log(
      `per record at ${most} against ${most / 4}: ${linear.toFixed(2)}; at most ${memory.toFixed(0)} MiB (reach: below ${REACH.memory})`,
    );
    process.exitCode = median(ratios) <= REACH.append && memory < REACH.memory && linear < 1.5 ? 0 : 1;
  } finally {
    rmSync(root, { recursive: true, force: true });
  }
}

if (values.verify === undefined) await main();
else console.log(JSON.stringify(await verifyHere(values.verify)));
