import { createRequire } from 'node:module';

/** What the SDK bundles workflows with: some 110 modules that it loads with itself, and uses in `bundleWorkflowCode` alone (lib/workflow/bundler.js). */
const BUNDLER = ['webpack', 'memfs', 'unionfs'];

/**
 * Keeps the SDK's bundler out of a process that runs no workflows: 5 MB of an agent's memory (docs/benchmarks.md). To be called before the SDK is loaded;
 * what is loaded already stays, and so does all of it where the SDK no longer has what is named here.
 */
export function withoutBundler(): void {
  const require = createRequire(import.meta.url);
  const ofSdk = createRequire(require.resolve('@temporalio/worker'));
  for (const name of BUNDLER) {
    const path = resolved(ofSdk, name);
    if (path === null || path in require.cache) continue;
    require.cache[path] = { ...emptyModule(path), exports: refusing(name) } as NodeJS.Module;
  }
}

function resolved(require: NodeJS.Require, name: string): string | null {
  try {
    return require.resolve(name);
  } catch {
    return null;
  }
}

const emptyModule = (path: string): Omit<NodeJS.Module, 'exports' | 'parent'> => ({
  id: path,
  path,
  filename: path,
  loaded: true,
  children: [],
  paths: [],
  isPreloading: false,
  require: createRequire(path),
});

/** Looks like an ES module, so that compiled TypeScript takes it as it is; using anything of it is a mistake of ours. */
const refusing = (name: string): object =>
  new Proxy(
    { __esModule: true },
    {
      get: (module, property) => {
        if (property in module || typeof property === 'symbol') return Reflect.get(module, property) as unknown;
        throw new Error(`This process bundles no workflows, so ${name} was not loaded.`);
      },
    },
  );
