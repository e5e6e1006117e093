import type { CommandResult, NodeCommand } from '../contract.js';
import { ownerOf } from '../owner.js';
import type { Place } from '../place.js';
import { exchange } from '../socket/exchange.js';
import { bundlesFolder, socketTrouble } from '../socket/trusted.js';
import { CANARY_PROGRAMS } from './requests.js';
import { MOST_ANSWER, parseAnswer, requestLine } from './wire.js';

/** How much longer than its own limit a command may take before the canary process counts as hanging, in milliseconds. */
const GRACE = 10_000;
const LISTENER = { name: 'the canary process', start: 'Start `reseal canary` in the session that builds' };

/**
 * A place whose keychain and signing programs run in the session of the account that builds, through the canary process. While that is away they do not
 * run at all: what the agent's own session would say of keychains is about another account's.
 */
export function throughCanary(place: Place, socket: string): Place {
  return {
    ...place,
    signingFolder: bundlesFolder(socket),
    run: (command) => (CANARY_PROGRAMS.has(command.program) ? ask(place, socket, command) : place.run(command)),
  };
}

async function ask(place: Place, socket: string, command: NodeCommand): Promise<CommandResult> {
  const trouble = socketTrouble(socket, [ownerOf(place.home), process.getuid?.() ?? 0], 'the account that builds');
  if (trouble !== null) return notRun(`the canary process is not there: ${trouble}. ${LISTENER.start}`);
  const { program, args, stdin = '', timeout } = command;
  const answer = await exchange({
    socket,
    request: requestLine({ program, args, stdin, timeout: Math.ceil(timeout) }),
    patience: timeout + GRACE,
    most: MOST_ANSWER,
    listener: LISTENER,
  });
  if (typeof answer === 'string') return notRun(answer);
  const read = parseAnswer(answer.line);
  if (read === null) return notRun('what answers in place of the canary process speaks another protocol');
  return 'refused' in read ? notRun(`the canary process refused: ${read.refused}`) : read;
}

/** 126 and no output: nobody takes that for an answer of the program. */
const notRun = (reason: string): CommandResult => ({ code: 126, stdout: '', stderr: reason, expired: false, notRun: reason });
