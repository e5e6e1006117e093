import type { Exchange } from '../node-shell/socket/exchange.js';
import { MOST_ANSWER, parseAliases, parseSigned, requestLine, type AliasesAnswer, type Refused, type SidecarRequest, type SignedAnswer, type SignRequest } from './wire.js'; // prettier-ignore

/** Asks over the socket of a sidecar; a sentence where there is no answer. */
export type AskSidecar = (request: Exchange) => Promise<{ readonly line: string } | string>;

/** No answer: the sidecar is away, or something else answers in its place. */
export interface Unanswered {
  readonly away: string;
}

const LISTENER = { name: 'the signing sidecar', start: 'Start `reseal sidecar run` there' };
const ANOTHER = { away: 'what answers in place of the signing sidecar speaks another protocol' };

const exchangeOf = (socket: string, request: SidecarRequest, patience: number): Exchange => ({
  socket,
  request: requestLine(request),
  patience,
  most: MOST_ANSWER,
  listener: LISTENER,
});

/** @param patience in milliseconds */
export async function askAliases(ask: AskSidecar, socket: string, patience: number): Promise<AliasesAnswer | Unanswered> {
  const answer = await ask(exchangeOf(socket, { protocol: 1, ask: 'aliases' }, patience));
  if (typeof answer === 'string') return { away: answer };
  const read = parseAliases(answer.line);
  if (read === null) return ANOTHER;
  return 'refused' in read ? { away: `the signing sidecar refused: ${read.sentence}` } : read;
}

/** @param patience in milliseconds */
export async function askToSign(
  ask: AskSidecar,
  socket: string,
  request: Omit<SignRequest, 'protocol' | 'ask'>,
  patience: number,
): Promise<SignedAnswer | Refused | Unanswered> {
  const answer = await ask(exchangeOf(socket, { protocol: 1, ask: 'sign', ...request }, patience));
  return typeof answer === 'string' ? { away: answer } : (parseSigned(answer.line) ?? ANOTHER);
}
