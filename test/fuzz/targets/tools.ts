import { newBuildLog } from '../../../src/domain/triage/build-log.js';
import { readMachO } from '../../../src/mac/code-signature.js';
import { isUnsigned, parseCodesignDisplay, signingFault } from '../../../src/mac/codesign.js';
import { parseFindIdentities, parseFindIdentity } from '../../../src/mac/find-identity.js';
import { flagsOfMount, installsUpdates, sleepMinutes } from '../../../src/mac/host-settings.js';
import { parseKeychainInfo, parseKeychainInfos, parseKeychainList } from '../../../src/mac/keychains.js';
import { partitionLists } from '../../../src/mac/partition-lists.js';
import { exportFault } from '../../../src/mac/xcodebuild.js';
import { parseOpenStep } from '../../../src/xcode-project/open-step.js';
import { own, shared } from '../corpus.js';
import { smallExecutable } from '../executable.js';
import { textOf, tokens, type Target } from '../target.js';

/** Whatever one tool may be made to print is given to the readers of all: none of them may fail, or think for long. */
export const toolOutput: Target = {
  name: 'tool-output',
  seeds: [own('security.txt'), own('codesign.txt'), own('xcodebuild.txt'), own('host.txt'), ...shared('transcripts', '.txt')],
  tokens: tokens(
    ...['  1) ', 'A'.repeat(40), ' "', '"', ' (CSSMERR_TP_CERT_EXPIRED)', '     2 valid identities found\n', '  Valid identities only\n', '\n', ' ', '\t'],
    ...['    "/k"\n', 'Keychain "', ' no-timeout\n', 'show-keychain-info: returned -25308\n', ' lock-on-sleep', 'timeout=1s', 'keychain: "x"\n'],
    ...['class: 0x00000010\n', '    entry 0:\n', '    authorizations (1): partition_id\n', '    description: a, b\n', 'Executable=', 'Authority=', 'Identifier='],
    ...['Sealed Resources version=2 rules=13 files=9\n', ': errSecInternalComponent\n', ': no identity found\n', ': ambiguous (matches ', ' on /', ' (', ')'],
    ...[' sleep 0 (x)\n', 'No signing certificate "', '" found', "No profiles for '", "' were found", 'Provisioning profile "', '" expired', '\0', '\r', '\u2028'],
    Uint8Array.of(0xff),
  ),
  run: (input) => {
    const text = textOf(input);
    const result = { code: 1, stdout: text, stderr: text, expired: false };
    parseFindIdentity(text);
    parseFindIdentities(text);
    parseKeychainList(text);
    parseKeychainInfo(text);
    parseKeychainInfos(text);
    partitionLists(text);
    parseCodesignDisplay(text);
    isUnsigned(result);
    signingFault(result);
    exportFault(result);
    sleepMinutes(text);
    installsUpdates(result);
    flagsOfMount(text, '/Volumes/reseal');
  },
}; // prettier-ignore

/** The log of a build, line by line, as triage reads it. */
export const buildLog: Target = {
  name: 'build-log',
  seeds: [own('build.log')],
  tokens: tokens(
    ...['CodeSign /x/Courier.app (in target ', '\n', '    Signing Identity:     "', '"', '    Provisioning Profile: "', '    (', ')', '    /usr/bin/codesign --sign '],
    ...['Command line invocation:\n', 'Build settings from command line:\n', '    CODE_SIGN_STYLE = ', 'error: ', ' = ', '[sdk=', ']', "'", '\\', '--', '$(', '\0', '\t'],
  ),
  run: (input) => {
    const log = newBuildLog();
    for (const line of textOf(input).split('\n')) log.take(line);
    log.request();
  },
}; // prettier-ignore

/** A Mac's executable, which triage takes from an app that anybody may have made. */
export const machO: Target = {
  name: 'mach-o',
  seeds: [smallExecutable()],
  tokens: tokens(Uint8Array.of(0xfa, 0xde, 0x0c, 0xc0), Uint8Array.of(0xfa, 0xde, 0x0c, 0x02), Uint8Array.of(0x1d, 0, 0, 0, 0x10, 0, 0, 0), Uint8Array.of(0, 0, 0, 0)),
  run: (input) => {
    readMachO(input);
  },
  mayThrow: (error) => error instanceof RangeError,
}; // prettier-ignore

export const projectFile: Target = {
  name: 'project-file',
  seeds: [own('project.pbxproj')],
  tokens: tokens(
    '{',
    '}',
    '(',
    ')',
    '=',
    ';',
    ',',
    '"',
    '\\',
    '\\U12',
    '\\777',
    '/*',
    '*/',
    '//',
    '<',
    '>',
    '{a=',
    '(',
    '\n',
    '\0',
    '// !$*UTF8*$!\n',
  ),
  run: (input) => {
    parseOpenStep(textOf(input), 'project.pbxproj');
  },
};
