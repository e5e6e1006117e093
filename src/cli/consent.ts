import { createInterface } from 'node:readline/promises';
import type { OutputStreams } from './output.js';

export type Input = NodeJS.ReadableStream & { readonly isTTY?: boolean };

/** Of a question that is answered at a terminal; where there is none, nobody is asked. */
export type Consent = 'yes' | 'no' | 'nobody-to-ask';

/** Asks whoever sits at the terminal. Anything but yes is no, the end of the input and Ctrl-C among it. */
export const askConsent = (question: string, stdin: Input | undefined, streams: Pick<OutputStreams, 'stderr'>): Promise<Consent> =>
  ask(`${question} [y/N] `, (answer) => /^y(?:es)?$/i.test(answer), stdin, streams);

/** The same of what must not happen to another: only who writes its name says yes. */
export const askForName = (
  question: string,
  name: string,
  stdin: Input | undefined,
  streams: Pick<OutputStreams, 'stderr'>,
): Promise<Consent> => ask(`${question} `, (answer) => answer === name, stdin, streams);

async function ask(
  question: string,
  isYes: (answer: string) => boolean,
  stdin: Input | undefined,
  { stderr }: Pick<OutputStreams, 'stderr'>,
): Promise<Consent> {
  if (stdin?.isTTY !== true || stderr.isTTY !== true) return 'nobody-to-ask';
  const asking = createInterface({ input: stdin, output: stderr });
  const closed = new AbortController();
  asking.once('close', () => closed.abort());
  try {
    return isYes((await asking.question(question, { signal: closed.signal })).trim()) ? 'yes' : 'no';
  } catch {
    return 'no';
  } finally {
    asking.close();
  }
}
