/** Minutes until the Mac sleeps, of `pmset -g`; 0: never. null: this is no answer of it. */
export function sleepMinutes(stdout: string): number | null {
  const minutes = /^ *sleep +(\d+)(?: |$)/m.exec(stdout)?.[1];
  return minutes === undefined ? null : Number(minutes);
}

/**
 * Whether a Mac installs updates of macOS by itself, by `defaults read` of that one key. A key that nobody has set is not there, and exits 1. null: this is
 * no answer of it.
 */
export function installsUpdates({
  code,
  stdout,
  stderr,
}: {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}): 'yes' | 'no' | 'not-set' | null {
  if (code === 1 && /does not exist\s*$/.test(stderr)) return 'not-set';
  const value = code === 0 ? /^([01])\n?$/.exec(stdout)?.[1] : undefined;
  return value === undefined ? null : value === '1' ? 'yes' : 'no';
}

/**
 * The flags of the volume that holds a path, by the lines of macOS's mount(8), `/dev/disk3s1 on /Volumes/x (apfs, local, read-only)`. null: it is
 * on no volume but that of the system.
 */
export function flagsOfMount(stdout: string, path: string): readonly string[] | null {
  const volumes = stdout.split('\n').flatMap((line) => {
    const mounted = mountOf(line);
    return mounted === null || mounted.point === '/' ? [] : [mounted];
  });
  const holding = volumes.filter(({ point }) => path === point || path.startsWith(`${point}/`));
  return holding.sort((a, b) => b.point.length - a.point.length)[0]?.flags ?? null;
}

/** By the first ` on /` and the last ` (`: a pattern would try each of the one with each of the other. */
function mountOf(line: string): { readonly point: string; readonly flags: readonly string[] } | null {
  const [on, bracket] = [line.indexOf(' on /', 1), line.lastIndexOf(' (')];
  const flags = line.slice(bracket + 2, -1);
  if (on < 0 || bracket < on + 5 || !line.endsWith(')') || /[()]/.test(flags)) return null;
  return { point: line.slice(on + 4, bracket), flags: flags.split(', ') };
}
