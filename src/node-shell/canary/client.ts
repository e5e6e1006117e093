import { connect } from 'node:net';
import type { CommandResult, NodeCommand } from '../contract.js';
import { ownerOf } from '../owner.js';
import type { Place } from '../place.js';
import { CANARY_PROGRAMS } from './requests.js';
import { bundlesFolder, socketTrouble } from './trusted.js';
import { firstLine, MOST_ANSWER, parseAnswer, requestLine } from './wire.js';

/** How much longer than its own limit a command may take before the canary process counts as hanging, in milliseconds. */
const GRACE = 10_000;
/** How long connecting may take, in milliseconds. */
const CONNECTING = 5_000;

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
  const trouble = socketTrouble(socket, [ownerOf(place.home), process.getuid?.() ?? 0]);
  if (trouble !== null) return notRun(`the canary process is not there: ${trouble}. Start \`reseal canary\` in the session that builds`);
  const { program, args, stdin = '', timeout } = command;
  const answer = await exchange(socket, requestLine({ program, args, stdin, timeout: Math.ceil(timeout) }), timeout + GRACE);
  if (typeof answer === 'string') return notRun(answer);
  const read = parseAnswer(answer.line);
  if (read === null) return notRun('what answers in place of the canary process speaks another protocol');
  return 'refused' in read ? notRun(`the canary process refused: ${read.refused}`) : read;
}

/** The line that was answered, or in a sentence why there is none. */
function exchange(socket: string, request: string, patience: number): Promise<{ readonly line: string } | string> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    const end = (answer: { readonly line: string } | string): void => {
      clearTimeout(connecting);
      clearTimeout(answering);
      connection.destroy();
      resolve(answer);
    };
    const connecting = setTimeout(() => end('the canary process takes no connection'), CONNECTING);
    const answering = setTimeout(() => end(`the canary process has not answered for ${Math.round(patience / 1000)} s`), patience);
    connection.on('error', (error) => {
      const code = 'code' in error ? String(error.code) : error.message;
      end(`the canary process cannot be reached (${code}). Start \`reseal canary\` in the session that builds`);
    });
    connection.on('connect', () => {
      clearTimeout(connecting);
      connection.write(request);
    });
    void firstLine(connection, MOST_ANSWER).then((line) => end(line === null ? 'the canary process ended before it answered' : { line }));
  });
}

/** 126 and no output: nobody takes that for an answer of the program. */
const notRun = (reason: string): CommandResult => ({ code: 126, stdout: '', stderr: reason, expired: false, notRun: reason });
