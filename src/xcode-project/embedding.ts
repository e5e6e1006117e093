import type { ProjectObject, ProjectObjects } from './objects.js';

/** Which targets carry which: what copy phases put into a product, and dependencies where nothing copies it. */
export function carriersOf(
  objects: ProjectObjects,
  targets: readonly ProjectObject[],
): ReadonlyMap<ProjectObject, readonly ProjectObject[]> {
  const byProduct = new Map(
    targets.flatMap((target) => {
      const product = target.text('productReference');
      return product === null ? [] : [[product, target] as const];
    }),
  );
  const copied = new Map<ProjectObject, ProjectObject[]>();
  const depended = new Map<ProjectObject, ProjectObject[]>();
  const add = (to: Map<ProjectObject, ProjectObject[]>, carried: ProjectObject, carrier: ProjectObject): void => {
    if (carried !== carrier) to.set(carried, [...(to.get(carried) ?? []), carrier]);
  };
  for (const target of targets) {
    for (const phase of target.objects('buildPhases').filter(({ isa }) => isa === 'PBXCopyFilesBuildPhase')) {
      for (const file of phase.objects('files')) {
        const carried = byProduct.get(file.text('fileRef') ?? '');
        if (carried !== undefined) add(copied, carried, target);
      }
    }
    for (const dependency of target.objects('dependencies')) {
      const on = objects.find(dependency.text('target') ?? '');
      if (on !== null && targets.includes(on)) add(depended, on, target);
    }
  }
  return new Map(targets.map((target) => [target, copied.get(target) ?? depended.get(target) ?? []]));
}

/** The outermost targets that carry one; itself where nothing carries it. */
export function outermost(target: ProjectObject, carriers: ReadonlyMap<ProjectObject, readonly ProjectObject[]>): readonly ProjectObject[] {
  const found = new Set<ProjectObject>();
  const seen = new Set<ProjectObject>();
  const waiting = [target];
  for (let one = waiting.pop(); one !== undefined; one = waiting.pop()) {
    if (seen.has(one)) continue;
    seen.add(one);
    const above = carriers.get(one) ?? [];
    if (above.length === 0) found.add(one);
    else waiting.push(...above);
  }
  return [...found];
}
