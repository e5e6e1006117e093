import { existsSync } from 'node:fs';
import type { Answer, Call } from './call.js';
import { openCode, type Code } from './bundle.js';
import { displayLines } from './codesign-display.js';
import { readCodesignOptions, type CodesignOptions } from './codesign-options.js';
import { sign } from './codesign-sign.js';
import { verifyCode } from './codesign-verify.js';
import { SLOTS } from '../../../mac/code-signature.js';
import { standInOf } from './stand-in.js';

/** The simulated Mac's `codesign`: signs, displays and verifies, each path of its arguments in turn; what it says goes to stderr. */
export function codesign(call: Call): Answer {
  const options = readCodesignOptions(call.args);
  // The first line of what Apple's says; mac-tools.md gives only the code.
  if (options === null) return { stderr: 'Usage: codesign -s identity [-fv*] [-o flags] [-r reqs] [-i ident] path ... # sign\n', code: 2 };
  const answers = options.paths.map((path) => one(call, options, path));
  return {
    stdout: answers.map(({ stdout }) => stdout ?? '').join(''),
    stderr: answers.map(({ stderr }) => stderr ?? '').join(''),
    code: answers.find(({ code }) => code !== 0)?.code ?? 0,
  };
}

function one(call: Call, options: CodesignOptions, path: string): Answer {
  const code = openCode(path);
  if (code === 'missing') return told(path, ['No such file or directory']);
  // As codesign says of a folder that is no bundle (CSCommon.h, errSecCSBadBundleFormat); mac-tools.md does not have it.
  if (code === 'not-code') return told(path, ['bundle format unrecognized, invalid, or unsuitable']);
  switch (options.operation) {
    case 'sign':
      return sign(call, options, code);
    case 'display':
      return display(call, options, code);
    case 'verify':
      return verify(options, code);
  }
}

const told = (path: string, [sentence = '', ...more]: readonly string[]): Answer => ({
  stderr: [`${path}: ${sentence}`, ...more, ''].join('\n'),
  code: 1,
});

const UNSIGNED = 'code object is not signed at all';

function display(call: Call, options: CodesignOptions, code: Code): Answer {
  const { signature } = code.machO;
  if (signature === null) return standInOf(code)?.display ?? told(code.named, [UNSIGNED]);
  const locale = existsSync(call.state.fault('other-locale')) ? 'other' : 'en';
  const entitlements = signature.blobs.get(SLOTS.entitlements);
  return {
    stderr: `${displayLines(code, signature, options.verbosity, locale).join('\n')}\n`,
    ...(options.entitlements === null || entitlements === undefined ? {} : { stdout: entitlements.subarray(8) }),
    code: 0,
  };
}

function verify(options: CodesignOptions, code: Code): Answer {
  const invalid = verifyCode(code);
  if (invalid !== null) return told(code.named, [invalid.sentence, ...(options.verbosity > 0 ? invalid.where : [])]);
  if (options.verbosity === 0) return { code: 0 };
  return { stderr: `${code.named}: valid on disk\n${code.named}: satisfies its Designated Requirement\n`, code: 0 };
}
