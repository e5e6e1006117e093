import { describeDistance } from '../domain/duration.js';
import { publicDocument, publicText } from '../domain/public-form.js';
import { withoutSecrets } from '../domain/without-secrets.js';

export interface OutputStreams {
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean };
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

const STYLES = { bold: 1, dim: 2, red: 31, green: 32, yellow: 33, cyan: 36 } as const;
export type Style = keyof typeof STYLES;

/** One cell: a text, or a text with a style (which takes no room). */
export type Cell = string | { readonly text: string; readonly style: Style };

/** What a command says: human text on stdout, diagnostics on stderr, or with `--json` one document on stdout. */
export interface Output {
  readonly json: boolean;
  /** Who reads it. */
  readonly readers: Readers;
  /** Whether stdout is a terminal that a person looks at. */
  readonly interactive: boolean;
  /** A view model: the document with `--json`, else the lines that `text` makes of it. The one way to show a result. */
  show<View extends { readonly schemaVersion: number }>(view: View, text: (view: View) => readonly string[] | string): void;
  /** One document per line, for commands that follow something (`watch`): JSON lines with `--json`, else the text. */
  follow<View extends { readonly schemaVersion: number }>(view: View, text: (view: View) => readonly string[] | string): void;
  /** A line of a transcript, in its place between what is shown and followed: stdout; with `--json` stderr, for stdout holds documents then. */
  say(line: string): void;
  /** Rows with aligned columns; the heading is dimmed. */
  table(heading: readonly string[], rows: readonly (readonly Cell[])[]): string[];
  /** Coloured on a terminal, plain elsewhere and with NO_COLOR. */
  styled(text: string, style: Style): string;
  /** `2026-11-29 09:14 (in 6 days)`, in the local zone. */
  time(at: number, now: number): string;
  /** To stderr: what is going on. On a terminal it overwrites the last progress, elsewhere it is one line per event; with `--json` nothing. */
  progress(line: string): void;
  /** To stderr, for a person. */
  diagnostic(line: string): void;
}

const pad = (number: number): string => String(number).padStart(2, '0');

function localTime(at: number): string {
  const date = new Date(at);
  return `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${pad(date.getHours())}:${pad(date.getMinutes())}`;
}

const textOf = (cell: Cell): string => (typeof cell === 'string' ? cell : cell.text);

/** Columns that a text takes on a terminal; marks that combine take none. */
const widthOf = (text: string): number => Array.from(text.normalize('NFC')).length;

/** Control characters in a name or a file's text must not steer the terminal. */
const harmless = (text: string): string =>
  text.replace(/[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f-\u009f]|\u001b(?!\[\d+m)/g, '\ufffd');

export interface OutputOptions {
  readonly json: boolean;
  /** Who reads it: `everybody` sees no full fingerprint, serial number, device id or mail address (S8). Default `whoever-asked`. */
  readonly readers?: Readers;
  readonly env: NodeJS.ProcessEnv;
}

export type Readers = 'whoever-asked' | 'everybody';

/** An error as the one document that `--json` prints, for these readers. */
export const documentFor = (readers: Readers, view: unknown): unknown => (readers === 'everybody' ? publicDocument(view) : view);

export function createOutput(streams: OutputStreams, options: OutputOptions): Output {
  const readers = options.readers ?? 'whoever-asked';
  // The one place that decides: all that is printed goes through it, whatever command it is of.
  const told = (text: string): string => (readers === 'everybody' ? publicText(text) : text);
  const interactive = streams.stdout.isTTY === true;
  const plain = (options.env['NO_COLOR'] ?? '') !== '' || options.env['TERM'] === 'dumb';
  const coloured = interactive && !plain;
  let overwritable = false;

  const styled = (text: string, style: Style): string => (coloured ? `\u001b[${STYLES[style]}m${text}\u001b[0m` : text);
  const clearProgress = (): void => {
    if (overwritable) streams.stderr.write('\r\u001b[K');
    overwritable = false;
  };
  const print = (lines: readonly string[] | string): void => {
    clearProgress();
    const list = typeof lines === 'string' ? [lines] : lines;
    if (list.length > 0) streams.stdout.write(`${harmless(told(list.join('\n')))}\n`);
  };

  const diagnostic = (line: string): void => {
    clearProgress();
    streams.stderr.write(`${harmless(told(withoutSecrets(line)))}\n`);
  };

  return {
    json: options.json,
    readers,
    interactive,
    show: (view, text) => {
      if (options.json) streams.stdout.write(`${JSON.stringify(documentFor(readers, view), null, 2)}\n`);
      else print(text(view));
    },
    follow: (view, text) => {
      if (options.json) streams.stdout.write(`${JSON.stringify(documentFor(readers, view))}\n`);
      else print(text(view));
    },
    say: (line) => { if (options.json) diagnostic(line); else print(line); }, // prettier-ignore
    table: (heading, given) => {
      // Before it is aligned: what is left out takes no room.
      const rows = given.map((row) => row.map((cell) => (typeof cell === 'string' ? told(cell) : { ...cell, text: told(cell.text) })));
      const widths = heading.map((title, column) => Math.max(widthOf(title), ...rows.map((row) => widthOf(textOf(row[column] ?? '')))));
      const line = (cells: readonly Cell[], all?: Style): string =>
        cells
          .map((cell, column) => {
            const text = textOf(cell);
            const style = all ?? (typeof cell === 'string' ? undefined : cell.style);
            const room = column === cells.length - 1 ? '' : ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(text)) + 2);
            return `${style === undefined ? text : styled(text, style)}${room}`;
          })
          .join('')
          .trimEnd();
      return [line(heading, 'dim'), ...rows.map((row) => line(row))];
    },
    styled,
    time: (at, now) => `${localTime(at)} (${describeDistance(at, now)})`,
    progress: (line) => {
      if (options.json) return;
      if (streams.stderr.isTTY !== true || plain) {
        streams.stderr.write(`${harmless(told(withoutSecrets(line)))}\n`);
        return;
      }
      streams.stderr.write(`\r\u001b[K${harmless(told(withoutSecrets(line)))}`);
      overwritable = true;
    },
    diagnostic,
  };
}
