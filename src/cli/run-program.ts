import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { ResealError } from '../domain/errors.js';
import type { Context, PassedOn } from './command.js';

/**
 * Runs a program for somebody, with this process's own input and output, and ends it (SIGTERM) when this one is interrupted.
 * @param during called once it runs; what it returns is called when it has ended
 * @returns its exit code; as a shell has it, 128 and the number of the signal where a signal ended it
 * @throws ResealError USAGE where it cannot be run
 */
export async function runProgram(
  context: Context,
  [program = '', ...rest]: readonly string[],
  during: (child: ChildProcess) => () => void = () => () => undefined,
): Promise<PassedOn> {
  const child = spawn(program, rest, { stdio: 'inherit', env: context.env });
  const interrupted = context.interrupted();
  const end = (): void => void child.kill('SIGTERM');
  interrupted.addEventListener('abort', end);
  const after = during(child);
  try {
    if (interrupted.aborted) end();
    return await exitOf(child, program);
  } finally {
    after();
    interrupted.removeEventListener('abort', end);
  }
}

function exitOf(child: ChildProcess, program: string): Promise<PassedOn> {
  return new Promise((resolve, reject) => {
    child.once('error', (error) => {
      reject(new ResealError('USAGE', `${program} cannot be run: ${error.message}.`, { cause: error }));
    });
    child.once('exit', (code, signal) => {
      resolve((code ?? 128 + (signal === null ? 0 : constants.signals[signal])) as PassedOn);
    });
  });
}
