import { ResealError } from '../domain/errors.js';

// A file's text is handled as Latin-1, one character per byte, so that whatever lies outside the markers comes back byte for byte.

export const OPENING = '<!-- reseal:topology -->';
export const CLOSING = '<!-- /reseal:topology -->';

interface Line {
  readonly start: number;
  /** Behind the line break. */
  readonly end: number;
  readonly text: string;
}

function linesOf(text: string): Line[] {
  return [...text.matchAll(/[^\n]*\n|[^\n]+$/g)].map((match) => ({
    start: match.index,
    end: match.index + match[0].length,
    text: match[0].replace(/\r?\n$/, ''),
  }));
}

/** Lines that no fenced code block contains: what a document shows as an example is not a marker. */
function outsideFences(lines: readonly Line[]): Line[] {
  let fence: string | null = null;
  return lines.filter(({ text }) => {
    const mark = /^ {0,3}(`{3,}|~{3,})(.*)$/.exec(text);
    const ticks = mark?.[1] ?? '';
    if (fence === null) {
      if (ticks !== '') fence = ticks;
      return ticks === '';
    }
    if (ticks.startsWith(fence) && mark?.[2]?.trim() === '') fence = null;
    return false;
  });
}

/** Where the section lies; null where the file has neither marker. */
function findSection(text: string, name: string): { readonly opening: Line; readonly closing: Line } | null {
  const lines = linesOf(text);
  const numbered = (of: readonly Line[]): string => of.map((line) => lines.findIndex((one) => one.start === line.start) + 1).join(', ');
  const marked = outsideFences(lines).map((line) => ({ line, mark: line.text.trim() }));
  const openings = marked.filter(({ mark }) => mark === OPENING).map(({ line }) => line);
  const closings = marked.filter(({ mark }) => mark === CLOSING).map(({ line }) => line);
  if (openings.length === 0 && closings.length === 0) return null;
  const [opening] = openings;
  const [closing] = closings;
  if (openings.length !== 1 || closings.length !== 1 || opening === undefined || closing === undefined || closing.start < opening.start) {
    throw new ResealError(
      'FILE_UNREADABLE',
      `${name} has ${OPENING} on line ${numbered(openings) || 'none'} and ${CLOSING} on line ${numbered(closings) || 'none'}; expected each once, in this order. Correct the markers: nothing was written.`,
    );
  }
  return { opening, closing };
}

const breakOf = (text: string): string => (/\r?\n/.exec(text)?.[0] === '\r\n' ? '\r\n' : '\n');
const latin1 = (utf8: string): string => Buffer.from(utf8, 'utf8').toString('latin1');

/**
 * The file with `markdown` between its markers and everything else as it was; the section takes the line breaks of its marker.
 * `add` is where there are no markers: a section at the end with this heading, or a refusal.
 *
 * @throws ResealError NOT_FOUND without markers and without `add`; FILE_UNREADABLE where markers are not one pair
 */
export function withSection(file: Buffer, name: string, markdown: string, add: { readonly heading: string } | null): Buffer {
  const text = file.toString('latin1');
  const section = findSection(text, name);
  if (section !== null) {
    const { opening, closing } = section;
    const newline = text.slice(opening.start, opening.end).endsWith('\r\n') ? '\r\n' : '\n';
    const body = latin1(`\n${markdown}\n`).replaceAll('\n', newline);
    return Buffer.from(text.slice(0, opening.end) + body + text.slice(closing.start), 'latin1');
  }
  if (add === null)
    throw new ResealError(
      'NOT_FOUND',
      `${name} has no place for the topology: a line ${OPENING} and a line ${CLOSING} below it. Put them where the tables belong, or let --add put a section at the end.`,
    );
  const newline = breakOf(text);
  const gap = text === '' ? '' : text.endsWith('\n') ? '\n' : '\n\n';
  const appended = `${gap}## ${add.heading}\n\n${OPENING}\n\n${markdown}\n${CLOSING}\n`;
  return Buffer.from(text + latin1(appended).replaceAll('\n', newline), 'latin1');
}
