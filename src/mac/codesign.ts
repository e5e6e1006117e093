import type { CommandResult } from '../node-shell/contract.js';
import type { CodeShown, SigningFault } from '../domain/node/canary.js';

/**
 * What `codesign -dvvv` prints on stderr. Lines whose form depends on the Mac's language (`Signed Time=`) are passed over. null: this is no
 * answer of it.
 */
export function parseCodesignDisplay(stderr: string): CodeShown | null {
  const lines = stderr.split('\n');
  const value = (key: string): string | null => {
    const line = lines.find((one) => one.startsWith(`${key}=`));
    return line === undefined ? null : line.slice(key.length + 1);
  };
  if (value('Executable') === null) return null;
  const sealed = lines.map((line) => /^Sealed Resources version=(\d+) rules=\d+ files=(\d+)$/.exec(line)).find((found) => found !== null);
  const team = value('TeamIdentifier');
  return {
    identifier: value('Identifier'),
    team: team === 'not set' ? null : team,
    authorities: lines.flatMap((line) => (line.startsWith('Authority=') ? [line.slice('Authority='.length)] : [])),
    sealedFiles: sealed?.[2] === undefined ? null : Number(sealed[2]),
    signature: signatureOf(value('Signature')),
  };
}

/** Whether `codesign -d` or `--verify` says that there is no signature at all. */
export const isUnsigned = ({ code, stderr, expired }: CommandResult): boolean =>
  code === 1 && !expired && /: code object is not signed at all\s*$/m.test(stderr);

function signatureOf(value: string | null): CodeShown['signature'] {
  if (value === 'adhoc') return 'ad-hoc';
  return value?.startsWith('none') === true ? 'none' : 'signed';
}

/** The sentences of a failed `codesign --sign` (mac-tools.md); the path or identity before them differs. */
export function signingFault({ code, stderr, expired }: CommandResult): SigningFault {
  if (expired) return { kind: 'no-end' };
  if (code === 127) return { kind: 'no-program' };
  if (/: errSecInternalComponent\s*$/m.test(stderr))
    return { kind: 'internal-component', chainIncomplete: /unable to build chain to self-signed root/.test(stderr) };
  if (/: no identity found\s*$/m.test(stderr)) return { kind: 'no-identity' };
  if (/: this identity cannot be used for signing code\s*$/m.test(stderr)) return { kind: 'not-for-code' };
  if (/: ambiguous \(matches /m.test(stderr)) return { kind: 'ambiguous' };
  return { kind: 'other', code };
}
