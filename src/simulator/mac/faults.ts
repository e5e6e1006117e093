import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

/**
 * What may go wrong on a simulated Mac, one file each under `<home>/.mac/faults/`, named by its kind. The file's text is what the kind takes:
 *
 * | file                | text                                | what happens                                                                   |
 * | ------------------- | ----------------------------------- | ------------------------------------------------------------------------------ |
 * | `slow`              | seconds, then programs (none: all)  | the program waits before it does anything                                      |
 * | `hang`              | programs (none: all)                | the program never ends by itself                                               |
 * | `flood`             | programs (none: all)                | 10 MiB come on stdout before the answer                                        |
 * | `locked-for-good`   |                                     | every keychain is locked, and none can be unlocked: no user interaction        |
 * | `no-partition-list` |                                     | no key's partition list lets `codesign` use it, whatever was set               |
 * | `wrong-context`     |                                     | `codesign` runs outside the login session that may use keys                    |
 * | `stale-listed`      |                                     | `find-identity -v` lists and counts revoked and expired identities             |
 * | `other-locale`      |                                     | `codesign` writes dates as a Mac set to German does                            |
 * | `clock-skew`        | seconds, negative for a late clock  | the node's clock, and so `date`, timeouts and validity, are off by that much   |
 */
export type Fault =
  | { readonly kind: 'slow'; readonly seconds: number; readonly programs?: readonly ProgramName[] }
  | { readonly kind: 'hang' | 'flood'; readonly programs?: readonly ProgramName[] }
  | { readonly kind: 'clock-skew'; readonly seconds: number }
  | { readonly kind: 'locked-for-good' | 'no-partition-list' | 'wrong-context' | 'stale-listed' | 'other-locale' };

/** The programs in a simulated Mac's `bin/`, in the order in which they are installed. */
export const PROGRAM_NAMES = ['security', 'codesign', 'xcodebuild', 'sw_vers', 'pmset', 'defaults', 'date'] as const;
export type ProgramName = (typeof PROGRAM_NAMES)[number];

/** Sets a fault, or changes it. What runs already goes on as it began. */
export async function setFault(home: string, fault: Fault): Promise<void> {
  const folder = faultFolder(home);
  await mkdir(folder, { recursive: true });
  const draft = join(folder, `.${fault.kind}`);
  await writeFile(draft, `${textOf(fault)}\n`);
  await rename(draft, join(folder, fault.kind));
}

/** Takes a fault away; also where it is not set. */
export async function clearFault(home: string, kind: Fault['kind']): Promise<void> {
  await rm(join(faultFolder(home), kind), { force: true });
}

function textOf(fault: Fault): string {
  switch (fault.kind) {
    case 'slow':
      return [fault.seconds, ...(fault.programs ?? [])].join(' ');
    case 'hang':
    case 'flood':
      return (fault.programs ?? []).join(' ');
    case 'clock-skew':
      return String(fault.seconds);
    case 'locked-for-good':
    case 'no-partition-list':
    case 'wrong-context':
    case 'stale-listed':
    case 'other-locale':
      return '';
  }
}

const faultFolder = (home: string): string => join(home, '.mac', 'faults');
