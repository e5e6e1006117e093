import { createInterface } from 'node:readline/promises';
import type { OutputStreams } from './output.js';

export type Input = NodeJS.ReadableStream & { readonly isTTY?: boolean };

/** Of a question that is answered at a terminal; where there is none, nobody is asked. */
export type Consent = 'yes' | 'no' | 'nobody-to-ask';

/** Asks whoever sits at the terminal. Anything but yes is no, the end of the input and Ctrl-C among it. */
export async function askConsent(question: string, stdin: Input | undefined, { stderr }: Pick<OutputStreams, 'stderr'>): Promise<Consent> {
  if (stdin?.isTTY !== true || stderr.isTTY !== true) return 'nobody-to-ask';
  const asking = createInterface({ input: stdin, output: stderr });
  const closed = new AbortController();
  asking.once('close', () => closed.abort());
  try {
    const answer = await asking.question(`${question} [y/N] `, { signal: closed.signal });
    return /^y(?:es)?$/i.test(answer.trim()) ? 'yes' : 'no';
  } catch {
    return 'no';
  } finally {
    asking.close();
  }
}
