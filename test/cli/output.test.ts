import { Writable } from 'node:stream';
import { describe, expect, it } from 'vitest';
import { createOutput, type Output } from '../../src/cli/output.js';

function output(options: { terminal: boolean; json?: boolean; env?: NodeJS.ProcessEnv }): {
  out: Output;
  stdout: () => string;
  stderr: () => string;
} {
  const stream = () => {
    const chunks: string[] = [];
    const writable = new Writable({
      write: (chunk: Buffer, _encoding, done) => {
        chunks.push(chunk.toString());
        done();
      },
    });
    return { chunks, writable: Object.assign(writable, { isTTY: options.terminal }) };
  };
  const stdout = stream();
  const stderr = stream();
  const out = createOutput({ stdout: stdout.writable, stderr: stderr.writable }, { json: options.json ?? false, env: options.env ?? {} });
  return { out, stdout: () => stdout.chunks.join(''), stderr: () => stderr.chunks.join('') };
}

describe('a table', () => {
  const rows = [
    ['ams-build-1', { text: 'ok', style: 'green' as const }, 'tahoe'],
    ['b', { text: 'FAILED', style: 'red' as const }, ''],
  ];
  it('has aligned columns and no blanks at line ends', () => {
    expect(output({ terminal: false }).out.table(['NODE', 'STATE', 'IMAGE'], rows)).toEqual([
      'NODE         STATE   IMAGE',
      'ams-build-1  ok      tahoe',
      'b            FAILED',
    ]);
  });
  it('is aligned also where cells are coloured', () => {
    const lines = output({ terminal: true }).out.table(['NODE', 'STATE', 'IMAGE'], rows);
    expect(lines[1]).toContain('\u001b[32mok\u001b[0m');
    expect(lines.map((line) => line.replace(/\u001b\[\d+m/g, '').trimEnd())).toEqual(
      output({ terminal: false }).out.table(['NODE', 'STATE', 'IMAGE'], rows),
    );
  });
});

describe('colour', () => {
  it('is for terminals, and never with NO_COLOR', () => {
    expect(output({ terminal: true }).out.styled('x', 'red')).toBe('\u001b[31mx\u001b[0m');
    expect(output({ terminal: false }).out.styled('x', 'red')).toBe('x');
    expect(output({ terminal: true, env: { NO_COLOR: '1' } }).out.styled('x', 'red')).toBe('x');
    expect(output({ terminal: true, env: { NO_COLOR: '' } }).out.styled('x', 'red')).not.toBe('x');
  });
});

describe('progress', () => {
  it('overwrites itself on a terminal and is gone before other text', () => {
    const { out, stderr } = output({ terminal: true });
    out.progress('staging 1 of 3');
    out.progress('staging 2 of 3');
    out.diagnostic('done');
    expect(stderr()).toBe('\r\u001b[Kstaging 1 of 3\r\u001b[Kstaging 2 of 3\r\u001b[Kdone\n');
  });
  it('is one line per event elsewhere', () => {
    const { out, stderr } = output({ terminal: false });
    out.progress('staging 1 of 3');
    out.progress('staging 2 of 3');
    expect(stderr()).toBe('staging 1 of 3\nstaging 2 of 3\n');
  });
  it('is silent with --json', () => {
    const { out, stderr } = output({ terminal: false, json: true });
    out.progress('staging');
    expect(stderr()).toBe('');
  });
});

describe('what is shown', () => {
  const view = { schemaVersion: 1, name: 'x' };
  it('is the view model with --json, and its text otherwise', () => {
    const json = output({ terminal: false, json: true });
    json.out.show(view, () => 'never');
    expect(JSON.parse(json.stdout())).toEqual(view);
    const text = output({ terminal: false });
    text.out.show(view, (one) => [one.name, 'y']);
    expect(text.stdout()).toBe('x\ny\n');
  });
  it('is one document per line while something is followed', () => {
    const { out, stdout } = output({ terminal: false, json: true });
    out.follow(view, () => 'never');
    out.follow(view, () => 'never');
    expect(stdout()).toBe('{"schemaVersion":1,"name":"x"}\n'.repeat(2));
  });
  it('has the lines of a transcript in their place; with --json they are beside the documents', () => {
    const text = output({ terminal: false });
    text.out.say('first');
    text.out.follow(view, () => 'second');
    text.out.say('third');
    expect([text.stdout(), text.stderr()]).toEqual(['first\nsecond\nthird\n', '']);
    const json = output({ terminal: false, json: true });
    json.out.follow(view, () => 'never');
    json.out.say('first');
    expect([json.stdout(), json.stderr()]).toEqual(['{"schemaVersion":1,"name":"x"}\n', 'first\n']);
  });
  it('has times in the local zone with their distance', () => {
    const at = new Date(2026, 10, 29, 9, 14).getTime();
    expect(output({ terminal: false }).out.time(at, at - 6 * 86_400_000)).toBe('2026-11-29 09:14 (in 6 days)');
  });
});
