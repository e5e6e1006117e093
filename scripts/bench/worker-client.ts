import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { WorkerAnswer, WorkerOrder, WorkerUsage } from './worker-process.js';

/** The worker's process, as the driver sees it: one order at a time. */
export class WorkerClient {
  private constructor(private readonly child: ChildProcess) {}

  /** @param profile a folder for a CPU profile of the whole run */
  static start(profile: string | null): WorkerClient {
    const profiling = profile === null ? [] : ['--cpu-prof', '--cpu-prof-dir', profile];
    return new WorkerClient(
      fork(fileURLToPath(new URL('./worker-process.ts', import.meta.url)), {
        execArgv: ['--import', 'tsx', ...profiling],
        serialization: 'json',
      }),
    );
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  async order(order: WorkerOrder): Promise<WorkerUsage> {
    const answered = new AbortController();
    const gone = once(this.child, 'exit', { signal: answered.signal }).then(([code, signal]) => {
      throw new Error(`the worker process ended (${String(signal ?? code)})`);
    });
    this.child.send(order);
    try {
      const [answer] = (await Promise.race([once(this.child, 'message', { signal: answered.signal }), gone])) as [WorkerAnswer];
      if (answer.failed !== null) throw new Error(`the worker could not ${order.do}: ${answer.failed}`);
      return answer.usage;
    } finally {
      gone.catch(() => undefined);
      answered.abort();
    }
  }

  /** Ends the process; a worker that is still running in it is not waited for. */
  async end(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.disconnect();
    const late = setTimeout(() => this.child.kill('SIGKILL'), 10_000);
    await gone;
    clearTimeout(late);
  }
}
