import { askOwner } from '../../node-shell/socket/ask.js';
import { ResealError } from '../../domain/errors.js';
import { askAliases } from '../../sidecar/client.js';
import type { AliasesAnswer } from '../../sidecar/wire.js';

/** How long a question may take, in milliseconds. */
const PATIENCE = 30_000;

export const SOCKET = {
  kind: 'text',
  description: 'Where the sidecar listens: sidecar.socket of the line in topology.yaml',
  required: true,
  value: 'PATH',
} as const;

/** @throws ResealError SIDECAR_UNREACHABLE */
export async function aliasesAt(socket: string): Promise<AliasesAnswer> {
  const answer = await askAliases(askOwner, socket, PATIENCE);
  if ('away' in answer) throw sidecarAway(answer.away);
  return answer;
}

export const sidecarAway = (sentence: string): ResealError => new ResealError('SIDECAR_UNREACHABLE', `${capital(sentence)}.`);

export const capital = (sentence: string): string => `${sentence.slice(0, 1).toUpperCase()}${sentence.slice(1)}`;
