import { describeDuration } from '../../src/domain/duration.js';
import { type GitFailure, GitTimeout } from './command.js';

/** git's words for a branch that a repository does not have. */
export const NO_BRANCH = /couldn't find remote ref/i;
/** Another process of this machine is at the same clone. */
export const BUSY_CLONE = /\.lock': File exists|cannot lock ref/i;
/** The clone holds commits that the repository does not any more. */
export const NOT_A_CONTINUATION = /\(non-fast-forward\)/;

const BROKEN =
  /not a git repository|corrupt|inflate|(?:bad|missing|broken|invalid|unreadable) (?:object|blob|tree|commit|link|ref|sha1)|hash mismatch|unable to (?:read|parse|unpack)|could not (?:read|parse) (?!username|password|from remote)|unresolved delta|does not point to a valid object|bad config|packfile|loose object|object file|garbage|did not send all necessary objects/i;

/** Whether what git says may be the fault of the clone on this machine. What the other side said of itself is not looked at. */
export const blamesTheClone = (failure: GitFailure): boolean => BROKEN.test(ownWords(failure.said));

const ownWords = (said: string): string =>
  said
    .split('\n')
    .filter((line) => !/^remote:|^error: remote unpack failed|does not appear to be a git repository/i.test(line))
    .join('\n');

/** git's words on few lines, without escape sequences of the other side, and without a credential that its configuration may have put into an address. */
export function words(said: string): string {
  const lines = said
    .replaceAll(/\p{Cc}\[[0-9;?]*[a-z]/giu, '')
    .split(/[\r\n]+/)
    .map((line) => line.replaceAll(/\p{Cc}+/gu, ' ').trim())
    .filter((line) => line !== '' && !/^To |^Please make sure|^and the repository exists|^hint:/.test(line));
  return lines
    .slice(-6)
    .join('; ')
    .replaceAll(/:\/\/[^/@\s]*@/g, '://');
}

/** What reseal.yaml declares the repository as. */
export type DeclaredAs = 'store' | 'source';

const NOWHERE: Readonly<Record<DeclaredAs, string>> = {
  store: 'Correct the address, or make an empty bare repository there.',
  source: 'Correct the address.',
};

/** Why a repository cannot be reached by its address, in words that say what to do. */
export function remoteReason(failure: GitFailure, declaredAs: DeclaredAs): string {
  const said = words(failure.said);
  const gitSays = said === '' ? '' : ` git says: ${said}.`;
  if (failure instanceof GitTimeout)
    return `it has not answered for ${describeDuration(failure.timeout)} (timeout of the ${declaredAs} in reseal.yaml).${gitSays}`;
  if (/Host key verification failed|host key is known|no .* host key/i.test(said))
    return `its host key is not the one that is pinned here, or none is. Check it, and add it to known_hosts (ssh.knownHosts in reseal.yaml).${gitSays}`;
  if (/Permission denied|publickey/i.test(said))
    return `it does not let this account in. Give the ssh key of this account access, or name another in ssh.config of reseal.yaml.${gitSays}`;
  if (/could not read (?:Username|Password)|Authentication failed|terminal prompts disabled|HTTP Basic/i.test(said))
    return `it asks for credentials, and nobody is there to type them. Set up a git credential helper for this account.${gitSays}`;
  if (/does not appear to be a git repository|repository .*not found|not found|does not exist/i.test(said))
    return `there is no repository at that address, or this account may not see it. ${NOWHERE[declaredAs]}${gitSays}`;
  return `it is away, or cannot be reached from here.${gitSays}`;
}
