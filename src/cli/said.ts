import { ResealError } from '../domain/errors.js';
import { notPlain } from '../domain/plain-text.js';

/**
 * For commands that write a store without the control API, which refuses the same: what goes into the store's history is plain.
 * @throws ResealError USAGE naming every option that is not
 */
export function refuseControlCharacters(options: Readonly<Record<string, string>>): void {
  const details = Object.entries(options).flatMap(([option, given]) => {
    const found = notPlain(given);
    return found === null ? [] : [`--${option}: found ${found}, expected a text on one line, without control characters`];
  });
  if (details.length > 0)
    throw new ResealError('USAGE', 'Names and tickets are plain text: they are written into the history of the store.', { details });
}
