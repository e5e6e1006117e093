import { isComplaint } from './complaints.js';
import {
  namedIdentity,
  namedProfile,
  NO_REQUEST,
  readBuildArguments,
  together,
  type BuildRequest,
  type Complaint,
  type NamedIdentity,
  type NamedProfile,
  type TargetSigning,
} from './build-request.js';
import { shellWords } from './words.js';

/** Of a log that repeats itself; nobody reads more. */
const MOST_COMPLAINTS = 50;
const MOST_TARGETS = 2_000;

/** Takes in the lines of an xcodebuild log, one by one, and keeps what it says of signing. */
export interface BuildLog {
  take(line: string): void;
  request(): BuildRequest;
}

interface OpenStep {
  readonly name: string;
  identity: NamedIdentity | null;
  profileName: string | null;
  profile: NamedProfile | null;
}

const STEP = /^CodeSign (.+?)(?: \(in target '.*)?$/;
const IDENTITY = /^\s+Signing Identity:\s+"(.*)"\s*$/;
const PROFILE = /^\s+Provisioning Profile:\s+"(.*)"\s*$/;
const PROFILE_UUID = /^\s+\(([0-9A-Fa-f-]{36})\)\s*$/;
const CODESIGN = /^\s+\S*\/codesign\s.*--sign\s+(\S+)/;
const SETTING = /^\s+([A-Z_][A-Za-z0-9_]*(?:\[[^\]]*\])?) = (.*)$/;

/**
 * A log as `xcodebuild` prints it; xcpretty and xcbeautify leave out what is looked for here. Its forms are those of Xcode 12 to 16:
 * `Command line invocation:`, `Build settings from command line:`, and a `CodeSign` step per product with identity and profile.
 */
export function newBuildLog(): BuildLog {
  let heading: 'invocation' | 'settings' | null = null;
  let open: OpenStep | null = null;
  let asked: BuildRequest = NO_REQUEST;
  let number = 0;
  const targets = new Map<string, TargetSigning>();
  const complaints = new Map<string, Complaint>();

  const close = (): void => {
    if (open !== null && (targets.size < MOST_TARGETS || targets.has(open.name))) {
      const { name, identity, profile } = open;
      targets.set(name, { name, source: 'log', identity, profile, style: null, team: null });
    }
    open = null;
  };

  const inStep = (step: OpenStep, line: string): void => {
    const identity = IDENTITY.exec(line)?.[1];
    if (identity !== undefined) step.identity = namedIdentity(identity);
    const profile = PROFILE.exec(line)?.[1];
    if (profile !== undefined) {
      step.profileName = profile;
      step.profile = namedProfile(profile);
    }
    const uuid = PROFILE_UUID.exec(line)?.[1];
    const named = namedProfile(uuid);
    if (named?.by === 'uuid') step.profile = { ...named, name: step.profileName };
    const signer = namedIdentity(CODESIGN.exec(line)?.[1]);
    if (signer?.by === 'sha1') step.identity = signer;
  };

  const take = (line: string): void => {
    number += 1;
    const [, path] = STEP.exec(line) ?? [];
    if (path !== undefined) {
      close();
      const product = productOf(path);
      if (product !== null) open = { name: product, identity: null, profileName: null, profile: null };
      heading = null;
      return;
    }
    if (/^Command line invocation:/.test(line)) heading = 'invocation';
    else if (/^Build settings from command line:/.test(line)) heading = 'settings';
    else if (/^\S/.test(line)) {
      heading = null;
      close();
    } else if (heading === 'invocation' && line.trim() !== '') {
      asked = together(asked, readBuildArguments(shellWords(line)));
      heading = null;
    } else if (heading === 'settings') {
      const [, name, value] = SETTING.exec(line) ?? [];
      if (name !== undefined && value !== undefined) asked = together(asked, readBuildArguments([`${name}=${value}`]));
    } else if (open !== null) inStep(open, line);
    const text = line.trim();
    if (isComplaint(text) && complaints.size < MOST_COMPLAINTS && !complaints.has(text)) complaints.set(text, { text, line: number });
  };

  const request = (): BuildRequest => {
    close();
    return { ...asked, targets: [...asked.targets, ...targets.values()], complaints: [...complaints.values()] };
  };
  return { take, request };
}

/** Frameworks and libraries are signed without a profile; only apps and extensions count here. */
function productOf(path: string): string | null {
  const name = path.slice(path.lastIndexOf('/') + 1).replaceAll('\\', '');
  return /\.(?:app|appex)$/.test(name) ? name.replace(/\.(?:app|appex)$/, '') : null;
}
