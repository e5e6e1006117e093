import { ResealError } from '../../domain/errors.js';
import type { EventView, RotationView } from '../../presenters/rotation.js';
import { eventText } from '../../presenters/rotation-text.js';
import { ApiClient } from '../api-client.js';
import type { Context, ExitCode } from '../command.js';
import { pathOf } from './tell.js';

/** Between two attempts to reach an API that was lost, in milliseconds. */
const AGAIN = 1_000;

/** Prints the record as it grows until the rotation has ended; a lost connection is taken up where it broke. */
export async function follow(context: Context, found: ApiClient, id: string): Promise<ExitCode> {
  const signal = context.interrupted();
  let api = found;
  let seen = 0;
  let lost = false;
  while (!signal.aborted) {
    try {
      for await (const event of api.events<EventView>(pathOf(id, '/events'), seen, signal)) {
        if (lost) context.output.diagnostic('connected again');
        lost = false;
        seen = event.seq;
        context.output.follow(event, () => eventText(event, context.output));
        if (event.kind === 'outcome') return exitOf((await api.get<RotationView>(pathOf(id))).rotation);
      }
      const { rotation } = await api.get<RotationView>(pathOf(id));
      if (rotation.outcome !== null) return exitOf(rotation);
    } catch (error) {
      if (!(error instanceof ResealError) || error.code !== 'API_UNREACHABLE') throw error;
      if (!lost) context.output.diagnostic('the connection is lost; trying again (Ctrl-C ends)');
      lost = true;
      await new Promise((resolve) => setTimeout(resolve, AGAIN));
      api = await foundAgain(context, api);
    }
  }
  return 0;
}

/** A restarted `up` has another port and another token; until it is there, what was known is asked again. */
async function foundAgain(context: Context, known: ApiClient): Promise<ApiClient> {
  try {
    return await ApiClient.find(context);
  } catch (error) {
    if (error instanceof ResealError) return known;
    throw error;
  }
}

/** Only what reached what it was for is a positive verdict: a rotation that completed, an incident rollback that brought the mesh back. */
function exitOf({ phase, turnedIn }: RotationView['rotation']): ExitCode {
  if (turnedIn === 'completed') return phase === 'rolled-back' || phase === 'parked' ? 0 : 1;
  return phase === 'completed' ? 0 : 1;
}
