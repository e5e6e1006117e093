import { connect } from 'node:net';
import { firstLine } from './line.js';

/** How long connecting may take, in milliseconds. */
const CONNECTING = 5_000;

export interface Exchange {
  readonly socket: string;
  /** A line, its end included. */
  readonly request: string;
  /** For the answer, in milliseconds. */
  readonly patience: number;
  /** Bytes of an answer. */
  readonly most: number;
  /** Who listens there, for sentences, and what to do where it does not. */
  readonly listener: { readonly name: string; readonly start: string };
}

/** The line that was answered, or in a sentence why there is none. */
export function exchange({ socket, request, patience, most, listener }: Exchange): Promise<{ readonly line: string } | string> {
  const { name, start } = listener;
  return new Promise((resolve) => {
    const connection = connect(socket);
    const end = (answer: { readonly line: string } | string): void => {
      clearTimeout(connecting);
      clearTimeout(answering);
      connection.destroy();
      resolve(answer);
    };
    const connecting = setTimeout(() => end(`${name} takes no connection`), CONNECTING);
    const answering = setTimeout(() => end(`${name} has not answered for ${Math.round(patience / 1000)} s`), patience);
    connection.on('error', (error) => {
      const code = 'code' in error ? String(error.code) : error.message;
      end(`${name} cannot be reached (${code}). ${start}`);
    });
    connection.on('connect', () => {
      clearTimeout(connecting);
      connection.write(request);
    });
    void firstLine(connection, most).then((line) => end(line === null ? `${name} ended before it answered` : { line }));
  });
}
