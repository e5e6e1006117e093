import type { ChildProcess } from 'node:child_process';
import { ResealError } from '../../domain/errors.js';
import type { SeatStandingView } from '../../presenters/seat.js';
import { ApiClient } from '../api-client.js';
import { defineCommand, type Context, type ExitCode } from '../command.js';
import { runProgram } from '../run-program.js';
import { durationOf } from '../given.js';
import { CLAIM, claimSeat, seatPath } from './claim.js';

export const command = defineCommand({
  description: "Run a command while holding a signer's seat; exits with the command's own exit code",
  arguments: {
    node: { kind: 'text', required: true, description: 'Signer' },
    command: { kind: 'list', required: true, description: 'After --: the command and its arguments' },
  },
  options: {
    ...CLAIM,
    wait: { kind: 'text', description: 'How long to wait in the queue (default: 20m)', value: 'DURATION' },
  },
  async handler(context, { node, command: words }, { wait, ...wanted }) {
    const api = await ApiClient.find(context);
    const held = await claimSeat(context, api, { ...wanted, node, wait: durationOf('--wait', wait ?? '20m') });
    try {
      return await runHolding(context, api, held, words);
    } finally {
      // Where this cannot be said, silence says it: the seat is free after `seats.heartbeat`.
      await api.post(seatPath(node, 'release'), { token: held.token }).catch(() => {
        context.output.diagnostic(
          `the seat of ${node} could not be given back; it is free once its holder has been silent for long enough`,
        );
      });
    }
  },
});

const runHolding = (context: Context, api: ApiClient, held: SeatStandingView, words: readonly string[]): Promise<ExitCode> =>
  runProgram(context, words, (child) => {
    const beats = setInterval(() => void beat(context, api, held, child), beatEvery(held));
    return () => {
      clearInterval(beats);
    };
  });

/** Three times within what the policy allows. */
const beatEvery = ({ beatBy }: SeatStandingView): number => Math.max(100, (beatBy === null ? 60_000 : Date.parse(beatBy) - Date.now()) / 3);

/** A seat that is lost is another job's: the command must not sign on beside it. */
async function beat(context: Context, api: ApiClient, { node, token }: SeatStandingView, child: ChildProcess): Promise<void> {
  try {
    await api.post(seatPath(node, 'heartbeat'), { token });
  } catch (error) {
    if (!(error instanceof ResealError) || error.code !== 'SEAT_HELD') return;
    context.output.diagnostic(`${error.message} The command is ended (SIGTERM).`);
    child.kill('SIGTERM');
  }
}
