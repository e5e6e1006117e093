import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { newBuildLog } from '../domain/triage/build-log.js';
import type { BuildRequest } from '../domain/triage/build-request.js';
import { unreadable } from './tree.js';

/** Compilers' command lines are longer; sentences and signing steps are not. */
const LONGEST_LINE = 65_536;
const NEXT = 'Give the log of xcodebuild as a file.';

/**
 * Reads an xcodebuild log line by line; of what it says only what is about signing is kept.
 * @param named as errors name it
 * @throws ResealError FILE_UNREADABLE
 */
export async function readBuildLog(path: string, named: string): Promise<BuildRequest> {
  const file = await opened(path, named);
  try {
    const log = newBuildLog();
    for await (const line of linesOf(file.createReadStream({ encoding: 'utf8', autoClose: false }) as AsyncIterable<string>))
      log.take(line);
    return log.request();
  } catch (cause) {
    throw unreadable(named, `it does not read (${cause instanceof Error ? cause.message : String(cause)})`, NEXT, cause);
  } finally {
    await file.close();
  }
}

async function opened(path: string, named: string): Promise<FileHandle> {
  let file: FileHandle;
  try {
    // O_NONBLOCK: opening a pipe must not wait for a writer.
    file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (cause) {
    throw unreadable(named, 'there is no such file, or it does not open', NEXT, cause);
  }
  if ((await file.stat()).isFile()) return file;
  await file.close();
  throw unreadable(named, 'it is no regular file', NEXT);
}

/** Lines without their ends; of one that is longer than any that counts, the beginning. */
async function* linesOf(pieces: AsyncIterable<string>): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of pieces) {
    const [first = '', ...more] = piece.split('\n');
    rest = (rest + first).slice(0, LONGEST_LINE);
    for (const line of more) {
      yield rest.replace(/\r$/, '');
      rest = line.slice(0, LONGEST_LINE);
    }
  }
  if (rest !== '') yield rest;
}
