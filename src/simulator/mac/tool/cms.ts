import { readFileSync, writeFileSync } from 'node:fs';
import { definiteForm } from '../../../profile/der.js';
import type { Answer, Call } from './call.js';
import { childrenOf, oidHex, readDer, TAGS } from './der.js';
import { isGiven, readOptions, valueOf } from './options.js';
import { misuse, said } from './sentences.js';

const SIGNED_DATA = '2a864886f70d010702';

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

/** The content of an attached SignedData (RFC 5652, 5.1), DER or BER; null where the bytes are none. */
function contentOf(bytes: Uint8Array): Uint8Array | null {
  try {
    const [type, explicit] = childrenOf(readDer(definiteForm(bytes)));
    if (oidHex(type) !== SIGNED_DATA || explicit === undefined) return null;
    const [signedData] = childrenOf(explicit);
    const encapsulated = signedData && childrenOf(signedData).find((part) => part.tag === TAGS.sequence);
    const content = encapsulated && childrenOf(encapsulated).find((part) => part.tag === TAGS.context0);
    return (content && childrenOf(content)[0]?.content) ?? null;
  } catch {
    return null;
  }
}
