import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { VOLUMES_FILE } from '../../node-shell/simulated-volumes.js';

/** `mount` of a simulated Mac without arguments, as mount(8) of macOS prints it. */
const MOUNT = `#!/bin/sh
echo '/dev/disk3s1s1 on / (apfs, sealed, local, read-only, journaled)'
while read -r path what flags; do echo "$what on $HOME$path ($flags)"; done < "$HOME/${VOLUMES_FILE}"
`;

export interface MountRequest {
  /** The simulated Mac that mounts. */
  readonly home: string;
  /** The folder of the publisher that is mounted, on this machine. */
  readonly volume: string;
  /** Where, as in the topology. */
  readonly mount: string;
  /** Default: nothing can be written there. */
  readonly flags?: 'nfs, nodev, nosuid, read-only' | 'nfs, nodev, nosuid';
}

/** Mounts a published volume on a simulated Mac: a link to the publisher's folder, and what `mount` says of it. Again: with other flags. */
export async function mountVolume({ home, volume, mount, flags = 'nfs, nodev, nosuid, read-only' }: MountRequest): Promise<void> {
  const place = join(home, mount);
  await mkdir(volume, { recursive: true });
  await mkdir(dirname(place), { recursive: true });
  await rm(place, { force: true });
  await symlink(relative(dirname(place), volume), place);
  await mkdir(dirname(join(home, VOLUMES_FILE)), { recursive: true });
  await writeFile(join(home, VOLUMES_FILE), `${mount} publisher:/volume ${flags}\n`);
  await mkdir(join(home, 'bin'), { recursive: true });
  await writeFile(join(home, 'bin/mount'), MOUNT);
  await chmod(join(home, 'bin/mount'), 0o755);
}
