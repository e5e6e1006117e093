import { readFileSync, writeFileSync } from 'node:fs';
import type { Answer, Call } from './call.js';
import { isGiven, readOptions, valueOf } from './options.js';
import { misuse, said } from './sentences.js';
import { contentOf } from './signed-content.js';

/** `security cms -D`: what a CMS file contains, whatever its signatures are worth (mac-tools.md). Other modes are not simulated. */
export function cms(call: Call, args: readonly string[]): Answer {
  const options = readOptions(args, 'CDEGH:N:OPSTY:Z:c:de:h:i:k:no:p:r:su:vt:');
  if (options.wrong !== null) return misuse(options.wrong);
  if (['C', 'E', 'S'].some((mode) => isGiven(options, mode))) return said('this simulated Mac only decodes CMS (-D)');
  if (!isGiven(options, 'D')) return misuse();
  const input = valueOf(options, 'i');
  let bytes: Uint8Array;
  try {
    bytes = input === null ? call.readInput() : readFileSync(input);
  } catch {
    return said(`unable to open "${input ?? ''}" for reading: No such file or directory`);
  }
  const content = contentOf(bytes);
  // Recorded: shared/fixtures/transcripts/cms-decode-failure.txt.
  if (content === null)
    return { stderr: 'security: cert import failed: unknown error -1=ffffffffffffffff\n\nsecurity: problem decoding\n', code: 1 };
  if (isGiven(options, 'n')) return { code: 0 };
  const output = valueOf(options, 'o');
  if (output === null) return { stdout: content, code: 0 };
  writeFileSync(output, content);
  return { code: 0 };
}
