import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { type AnyCommand, defineCommand, type ExitCode } from '../../src/cli/command.js';
import type { CommandEntry } from '../../src/cli/commands.js';
import { type ErrorCode, ResealError } from '../../src/domain/errors.js';
import { reseal } from './terminal.js';

const entry = (path: string, command: AnyCommand): CommandEntry => ({
  path,
  description: command.description,
  load: () => Promise.resolve({ command }),
});

const echo = defineCommand({
  description: 'Say what was given',
  arguments: { first: { kind: 'text', required: true, description: 'one' }, rest: { kind: 'list', description: 'more' } },
  options: {
    node: { kind: 'list', description: 'nodes' },
    dryRun: { kind: 'flag', description: 'only say so' },
    limit: { kind: 'count', description: 'how many' },
    question: { kind: 'text', value: 'Q', description: 'which one' },
  },
  async handler(context, args, options) {
    context.output.show(
      { schemaVersion: 1, args, options, config: context.config, home: context.home },
      (view) => `${view.args.first} ${view.options.node.join('+')}`,
    );
  },
});

const failing = (error: unknown) =>
  entry('fail', defineCommand({ description: 'Fail', arguments: {}, options: {}, handler: () => Promise.reject(error as Error) }));
const exiting = (code: ExitCode) =>
  entry('exit', defineCommand({ description: 'Exit', arguments: {}, options: {}, handler: () => Promise.resolve(code) }));
const entries = [entry('say echo', echo)];

describe('a command', () => {
  it('gets its arguments and options by the types that it declares', async () => {
    const ran = await reseal(
      ['say', 'echo', 'a', 'b', 'c', '--node', 'x', 'y', '--node', 'z', '--dry-run', '--limit', '7', '--json', '--home', '/h'],
      { entries },
    );
    expect(JSON.parse(ran.stdout)).toEqual({
      schemaVersion: 1,
      args: { first: 'a', rest: ['b', 'c'] },
      options: { node: ['x', 'y', 'z'], dryRun: true, limit: 7 },
      home: '/h',
    });
    expect(ran).toMatchObject({ exit: 0, stderr: '' });
  });

  it('takes global options before and after its name', async () => {
    for (const argv of [
      ['--config', '/c', '--json', 'say', 'echo', 'a'],
      ['say', 'echo', 'a', '--config=/c', '--json'],
      ['say', '--json', 'echo', '--config', '/c', 'a'],
    ]) {
      expect(JSON.parse((await reseal(argv, { entries })).stdout)).toMatchObject({
        config: '/c',
        args: { first: 'a', rest: [] },
        options: { node: [], dryRun: false },
      });
    }
  });

  it('alone is loaded', async () => {
    const never: CommandEntry = { path: 'say nothing', description: 'Never', load: () => Promise.reject(new Error('it was loaded')) };
    expect((await reseal(['say', 'echo', 'a', '--node', 'n'], { entries: [...entries, never] })).stdout).toBe('a n\n');
    expect((await reseal(['--help'], { entries: [...entries, never] })).stdout).toContain('say');
    expect((await reseal(['say', '--help'], { entries: [...entries, never] })).stdout).toContain('Never');
  });

  it.each([0, 1, 2, 3, 4] as const)('ends with exit code %d when it says so', async (code) => {
    expect((await reseal(['exit'], { entries: [exiting(code)] })).exit).toBe(code);
  });
});

describe('a command line that is wrong', () => {
  it.each([
    [['say', 'echo'], "Missing required argument 'FIRST'."],
    [['say', 'echo', 'a', '--what'], "Unknown option '--what'."],
    [['say', 'ecco'], "Unknown command 'ecco'\n(Did you mean echo?)"],
    [['sai'], "Unknown command 'sai'\n(Did you mean say?)"],
    [['say', 'echo', 'a', '--limit', 'many'], "Option '--limit <LIMIT>' argument 'many' is invalid. It must be a whole number."],
    [['say', 'echo', 'a', '--question'], "Option '--question <Q>' argument missing."],
  ])('%j: exit 2 and a sentence on stderr', async (argv, sentence) => {
    expect(await reseal(argv, { entries })).toEqual({ exit: 2, stdout: '', stderr: `${sentence}\n` });
  });

  it('is told everything that is missing at once', async () => {
    const demanding = entry(
      'say all',
      defineCommand({
        description: 'Ask for much',
        arguments: {
          id: { kind: 'text', required: true, description: 'one' },
          option: { kind: 'text', required: true, description: 'two' },
          more: { kind: 'list', description: 'others' },
        },
        options: {
          as: { kind: 'text', required: true, value: 'PERSON', description: 'who' },
          node: { kind: 'list', required: true, description: 'where' },
          limit: { kind: 'count', required: true, description: 'how many' },
          ticket: { kind: 'text', description: 'why' },
        },
        handler: () => Promise.resolve(),
      }),
    );
    const missing = async (...argv: string[]): Promise<string> => {
      const ran = await reseal(['say', 'all', ...argv], { entries: [demanding] });
      expect(ran).toMatchObject({ exit: ran.stderr === '' ? 0 : 2, stdout: '' });
      return ran.stderr;
    };
    expect(await missing()).toBe(
      "Missing required argument 'ID', argument 'OPTION', option '--as <PERSON>', option '--node <NODE...>' and option '--limit <LIMIT>'.\n",
    );
    expect(await missing('a', 'b', '--node', 'n', '--limit', '0')).toBe("Missing required option '--as <PERSON>'.\n");
    expect(await missing('a', '--as', 'ada', '--node', 'n', '--limit', '0')).toBe("Missing required argument 'OPTION'.\n");
    expect(await missing('a', 'b', '--as', 'ada', '--node', 'n', '--limit', '0')).toBe('');
  });

  it('that is a noun alone, or nothing, prints help on stderr and exits 2', async () => {
    const noun = await reseal(['say'], { entries });
    expect(noun).toMatchObject({ exit: 2, stdout: '' });
    expect(noun.stderr).toContain('Say what was given');
    expect((await reseal([], { entries })).stderr).toContain('Usage: reseal');
  });

  it('is one JSON document on stdout with --json', async () => {
    const ran = await reseal(['say', 'echo', '--json'], { entries });
    expect(ran).toMatchObject({ exit: 2, stderr: '' });
    expect(JSON.parse(ran.stdout)).toEqual({
      schemaVersion: 1,
      error: { code: 'USAGE', message: "Missing required argument 'FIRST'.", details: [] },
    });
  });
});

describe('an error', () => {
  it.each<[ErrorCode, ExitCode]>([
    ['CONFIG_INVALID', 2],
    ['NOT_FOUND', 2],
    ['DIGEST_MISMATCH', 1],
    ['TEMPORAL_UNREACHABLE', 3],
    ['NODE_UNREACHABLE', 3],
    ['ILLEGAL_COMMAND', 4],
    ['HOME_IN_USE', 4],
    ['SECOND_AGENT', 4],
    ['INTERNAL', 1],
  ])('%s exits with %d', async (code, exit) => {
    expect((await reseal(['fail'], { entries: [failing(new ResealError(code, 'Why.'))] })).exit).toBe(exit);
  });

  it('is a sentence and its details on stderr, or one document with --json', async () => {
    const error = new ResealError('CONFIG_INVALID', 'Two things are wrong.', { details: ['a.yaml:1 x', 'b.yaml:2 y'] });
    expect(await reseal(['fail'], { entries: [failing(error)] })).toEqual({
      exit: 2,
      stdout: '',
      stderr: 'Two things are wrong.\n  a.yaml:1 x\n  b.yaml:2 y\n',
    });
    const ran = await reseal(['--json', 'fail'], { entries: [failing(error)] });
    expect(JSON.parse(ran.stdout)).toEqual({
      schemaVersion: 1,
      error: { code: 'CONFIG_INVALID', message: 'Two things are wrong.', details: ['a.yaml:1 x', 'b.yaml:2 y'] },
    });
    expect(ran).toMatchObject({ exit: 2, stderr: '' });
  });

  it('of a schema names the field', async () => {
    const zodError: unknown = z.object({ a: z.object({ b: z.string() }) }).safeParse({ a: { b: 1 } }).error;
    const ran = await reseal(['fail'], { entries: [failing(zodError)] });
    expect(ran.exit).toBe(2);
    expect(ran.stderr).toContain('  a.b: ');
  });

  it('that nobody expected says so, and with RESEAL_DEBUG where it happened', async () => {
    const unexpected = [failing(new TypeError('x is not a function', { cause: new Error('the reason below') }))];
    const plain = await reseal(['fail'], { entries: unexpected });
    expect(plain).toMatchObject({
      exit: 1,
      stderr: expect.stringMatching(/^reseal failed in a way that it should not: x is not a function\n/),
    });
    expect(plain.stderr).not.toContain('frame.test');
    const debug = await reseal(['fail'], { entries: unexpected, env: { RESEAL_DEBUG: '1' } });
    expect(debug.stderr).toMatch(/frame\.test[^]*the reason below/);
  });

  it('cannot steer the terminal by what it quotes', async () => {
    const ran = await reseal(['fail'], {
      entries: [failing(new ResealError('USAGE', 'A name \u001b]0;owned\u0007 with \u009b control.'))],
      terminal: true,
    });
    expect(ran.stderr).toBe('A name \ufffd]0;owned\ufffd with \ufffd control.\n');
  });
});
