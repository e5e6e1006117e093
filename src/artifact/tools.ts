import type { Bundle } from '../domain/triage/bundle.js';
import type { IdentityLook } from '../domain/triage/input.js';
import { parseCodesignDisplay } from '../mac/codesign.js';
import { parseFindIdentity } from '../mac/find-identity.js';
import type { CommandResult } from '../node-shell/contract.js';
import { runProgram } from '../node-shell/local-command.js';
import type { LookCloser } from './read-artifact.js';

/** Milliseconds for one question to Apple's tools. */
const TIMEOUT = 30_000;

/** Apple's tools on this machine, where there are any: they only look. */
export interface MacTools {
  /** What the keychains of this session can sign with. */
  identities(): Promise<IdentityLook>;
  /** Team, Authority and sealed files as `codesign -dvvv` tells them; where there is no `codesign`, what was read stands. */
  readonly lookCloser: LookCloser;
}

/** @param env whose PATH has the tools */
export function macTools(env: NodeJS.ProcessEnv, cwd: string): MacTools {
  const run = (program: string, args: readonly string[]): Promise<CommandResult> =>
    runProgram(program, { args, timeout: TIMEOUT }, { cwd, env });
  return {
    identities: async () => identityLook(await run('security', ['find-identity', '-p', 'codesigning'])),
    lookCloser: async (bundle, folder) => {
      if (bundle.signature.state !== 'signed' && bundle.signature.state !== 'ad-hoc') return bundle;
      return shownBy(bundle, await run('codesign', ['-dvvv', folder]));
    },
  };
}

function identityLook(result: CommandResult): IdentityLook {
  if (result.code === 127)
    return { state: 'none', reason: 'there is no `security` on this machine: run this on the Mac that fails, or name it with --node' };
  const listed = result.code === 0 && !result.expired ? parseFindIdentity(result.stdout) : null;
  if (listed === null)
    return { state: 'none', reason: '`security find-identity` gave no answer here: try again in the session that builds' };
  return { state: 'read', matching: listed.matching, valid: listed.valid };
}

function shownBy(bundle: Bundle, result: CommandResult): Bundle {
  const shown = result.code === 0 ? parseCodesignDisplay(result.stderr) : null;
  const { signature } = bundle;
  if (shown === null || signature.state !== 'signed') return bundle;
  const seal =
    signature.seal.state === 'sealed' && shown.sealedFiles !== null ? { ...signature.seal, files: shown.sealedFiles } : signature.seal;
  const { identifier, team, authorities } = shown;
  return { ...bundle, signature: { ...signature, source: 'codesign', identifier, team, authorities, seal } };
}
