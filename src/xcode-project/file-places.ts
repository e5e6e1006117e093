import { join } from 'node:path';
import type { ProjectObject, ProjectObjects } from './objects.js';

/** The xcconfig file beneath a build configuration; `unknown`: said in a way that has no place here. */
export type FileBeneath = { readonly kind: 'none' } | { readonly kind: 'unknown' } | { readonly kind: 'file'; readonly path: string };

/** Where the files of a project lie, by the groups that they are in. */
export class FilePlaces {
  readonly #parents = new Map<string, ProjectObject>();

  /** @param folder that the project's paths start from, absolute */
  constructor(
    objects: ProjectObjects,
    private readonly folder: string,
  ) {
    for (const isa of ['PBXGroup', 'PBXVariantGroup'])
      for (const group of objects.ofKind(isa)) for (const child of group.objects('children')) this.#parents.set(child.id, group);
  }

  /** A file of the project, or since Xcode 16 one in a folder of it. */
  beneath(configuration: ProjectObject): FileBeneath {
    const anchor = configuration.object('baseConfigurationReferenceAnchor');
    const inside = configuration.text('baseConfigurationReferenceRelativePath');
    if (anchor !== null && inside !== null) {
      const folder = this.#placeOf(anchor);
      return folder === null ? { kind: 'unknown' } : { kind: 'file', path: join(folder, inside) };
    }
    if (configuration.text('baseConfigurationReference') === null) return { kind: 'none' };
    const file = configuration.object('baseConfigurationReference');
    const path = file === null ? null : this.#placeOf(file);
    return path === null ? { kind: 'unknown' } : { kind: 'file', path };
  }

  #placeOf(file: ProjectObject): string | null {
    const parts: string[] = [];
    const seen = new Set<string>();
    for (let at: ProjectObject | undefined = file; at !== undefined; at = this.#parents.get(at.id)) {
      // Groups that hold each other lie nowhere.
      if (seen.has(at.id)) return null;
      seen.add(at.id);
      const path = at.text('path');
      if (path !== null) parts.unshift(path);
      const tree = at.text('sourceTree') ?? '<group>';
      if (tree === '<absolute>') return join('/', ...parts);
      if (tree === 'SOURCE_ROOT') return join(this.folder, ...parts);
      if (tree !== '<group>') return null;
    }
    return join(this.folder, ...parts);
  }
}
