import type { Answer } from './call.js';

/** The sentences of SecBase.h for what these programs answer with. */
const SENTENCES = {
  [-25256]: 'Import/Export format unsupported.',
  [-25257]: 'Unknown format in import.',
  [-25260]: 'Passphrase is required for import/export.',
  [-25264]: 'MAC verification failed during PKCS12 import (wrong password?)',
  [-25293]: 'The user name or passphrase you entered is not correct.',
  [-25294]: 'The specified keychain could not be found.',
  [-25295]: 'The specified keychain is not a valid keychain file.',
  [-25299]: 'The specified item already exists in the keychain.',
  [-25300]: 'The specified item could not be found in the keychain.',
  [-25308]: 'User interaction is not allowed.',
} as const;

export type SecStatus = keyof typeof SENTENCES;

/** `security: <call>: <sentence>`, as sec_perror prints it. */
export const failure = (call: string, status: SecStatus, code = 1): Answer => said(`${call}: ${SENTENCES[status]}`, code);

/** `security: <text>`, as sec_error prints it. */
export const said = (text: string, code = 1): Answer => ({ stderr: `security: ${text}\n`, code });

/** The command was used wrongly; the shell prints how it is used. @param wrong what getopt said */
export const misuse = (wrong: string | null = null): Answer => (wrong === null ? { code: 2 } : said(wrong, 2));
