import { BaseSequencer, type TestSpecification } from 'vitest/node';

/**
 * Begins with these files, in this order, and goes on as the runner would: what takes longest must not begin last, when nothing is left to run beside
 * it. The runner itself knows of durations only where it has run before, which a fresh clone has not.
 * @param names ends of paths
 */
export const longestFirst = (names: readonly string[]): typeof BaseSequencer =>
  class extends BaseSequencer {
    override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
      const place = ({ moduleId }: TestSpecification): number => {
        const found = names.findIndex((name) => moduleId.endsWith(name));
        return found === -1 ? names.length : found;
      };
      // Array.prototype.sort is stable: the runner's own order stays among the others.
      return (await super.sort(files)).sort((a, b) => place(a) - place(b));
    }
  };
