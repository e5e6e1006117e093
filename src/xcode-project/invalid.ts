import { ResealError } from '../domain/errors.js';
import type { Place } from '../domain/project-signing.js';

/** A project file that cannot be what it should be. */
export const projectInvalid = ({ file, line }: Place, found: string, expected: string): ResealError =>
  new ResealError('PROJECT_INVALID', `${file}:${line}: found ${found}, expected ${expected}.`);

/** What stands at a place, short and on one line: files of strangers are quoted, never printed. */
export const shown = (text: string): string => JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text);
