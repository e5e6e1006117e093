import { open, readdir, realpath, stat } from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';

/** A file's text, or why there is none. */
export type ReadFile =
  | { readonly kind: 'read'; readonly path: string; readonly text: string }
  | { readonly kind: 'missing' }
  | { readonly kind: 'outside'; readonly root: string }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * The files that a project may have read: those of the repository that it is in, or of its own folder where it is in none. A project is
 * other people's text, and must not have files of this machine read that are no business of it.
 */
export class ProjectFolder {
  private constructor(
    /** What names in messages are relative to. */
    readonly folder: string,
    readonly root: string,
  ) {}

  /** @param folder that holds the `.xcodeproj` */
  static async of(folder: string): Promise<ProjectFolder> {
    const real = await realpath(folder);
    return new ProjectFolder(real, (await repositoryAround(real)) ?? real);
  }

  /** As people name it. */
  nameOf(path: string): string {
    return relative(this.folder, path);
  }

  /**
   * Reads a file of the project. Upper and lower case are the same where nothing else has the name, as on a Mac's disk.
   * @param limit bytes
   */
  async read(path: string, limit: number): Promise<ReadFile> {
    if (path.includes('\0')) return { kind: 'missing' };
    const wanted = resolve(this.folder, path);
    if (!this.#holds(wanted)) return { kind: 'outside', root: this.root };
    const found = await this.#found(wanted);
    if (found === null) return { kind: 'missing' };
    // A link inside that leads outside is outside.
    if (!this.#holds(found)) return { kind: 'outside', root: this.root };
    const about = await stat(found);
    if (!about.isFile()) return { kind: 'refused', why: 'no regular file' };
    if (about.size > limit) return { kind: 'refused', why: `${about.size} bytes, more than the ${limit} that one may have` };
    const handle = await open(found);
    try {
      return { kind: 'read', path: found, text: await handle.readFile('utf8') };
    } finally {
      await handle.close();
    }
  }

  #holds(path: string): boolean {
    const from = relative(this.root, path);
    return from === '' || (from !== '..' && !from.startsWith(`..${sep}`) && !isAbsolute(from));
  }

  async #found(wanted: string): Promise<string | null> {
    const exact = await realpath(wanted).catch(() => null);
    if (exact !== null) return exact;
    let path = this.root;
    for (const part of relative(this.root, wanted).split(sep)) {
      const names = await readdir(path).catch((): string[] => []);
      const alike = names.includes(part) ? [part] : names.filter((name) => name.toLowerCase() === part.toLowerCase());
      if (alike.length !== 1 || alike[0] === undefined) return null;
      path = join(path, alike[0]);
    }
    return realpath(path).catch(() => null);
  }
}

async function repositoryAround(folder: string): Promise<string | null> {
  for (let at = folder; ; at = dirname(at)) {
    const git = await stat(join(at, '.git')).catch(() => null);
    if (git !== null) return at;
    if (dirname(at) === at) return null;
  }
}
