import type { AnyCommand } from './command.js';

/** One line of the command tree: light, so that `reseal --help` loads no command. */
export interface CommandEntry {
  /** Words of the command line: `profile inspect`; the file is `src/cli/profile/inspect.ts`. */
  readonly path: string;
  readonly description: string;
  load(): Promise<{ readonly command: AnyCommand }>;
}

/** What a noun is, in the order of `reseal --help`. */
export const NOUNS: Readonly<Record<string, string>> = {
  profile: 'Look at provisioning profiles, verify them, take them into the store',
};

/** Every command. A test holds that descriptions here and in the commands are the same. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    path: 'profile inspect',
    description: 'Show what provisioning profiles hold and whether their signatures are good',
    load: () => import('./profile/inspect.js'),
  },
  {
    path: 'profile verify',
    description: 'Check that provisioning profiles are signed as Apple signs them',
    load: () => import('./profile/verify.js'),
  },
  {
    path: 'profile import',
    description: 'Verify provisioning profiles and take their bytes into the store',
    load: () => import('./profile/import.js'),
  },
  {
    path: 'doctor',
    description: 'Check that this machine has what reseal needs, and say how to get what is missing',
    load: () => import('./doctor.js'),
  },
];
