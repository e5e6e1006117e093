import { builtinModules } from 'node:module';
import { describe, expect, it } from 'vitest';
import { bundleCode } from '../../src/temporal/workers.js';
import { testWorkflowBundle } from '../setup/temporal.js';

/** What the SDK itself lets in and replaces inside the bundle (`allowedBuiltinModules` of its bundler). */
const STAND_INS = ['assert', 'url', 'util'];

describe('the workflow bundle', async () => {
  const whole = bundleCode(await testWorkflowBundle());
  // The inline source map at the end names every source in base64 and is no code.
  const code = whole.slice(0, whole.lastIndexOf('//# sourceMappingURL='));
  const modules = [...code.matchAll(/^\/\*{3}\/ "([^"\n]+)":?$/gm)].map((match) => match[1] ?? '');

  it('holds our workflows and the SDK', () => {
    expect(modules.some((name) => name.startsWith('./workflows/'))).toBe(true);
    expect(modules.some((name) => name.includes('@temporalio/workflow'))).toBe(true);
  });

  it('holds no zod and no package but the SDK and what that needs', () => {
    const packages = new Set(modules.flatMap((name) => /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(name)?.[1] ?? []));
    expect(
      [...packages].filter(
        (name) => !name.startsWith('@temporalio/') && !['nexus-rpc', 'ms', 'long', 'protobufjs', '@protobufjs'].includes(name),
      ),
    ).toEqual([]);
  });

  it('holds no Node.js built-in and nothing of ours that touches the outside', () => {
    const externals = modules.filter((name) => name.startsWith('node:') || builtinModules.includes(name.replace(/^external "?/, '')));
    expect(externals.filter((name) => !STAND_INS.includes(name))).toEqual([]);
    const ours = modules.filter((name) => /^\.\/(src|activities|workflows)\//.test(name));
    expect(ours.filter((name) => !/^\.\/(src\/domain|workflows)\//.test(name))).toEqual([]);
  });
});
