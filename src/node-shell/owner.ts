import { statSync } from 'node:fs';

/** User id of whom a folder belongs to; -1 where there is none. */
export const ownerOf = (folder: string): number => statSync(folder, { throwIfNoEntry: false })?.uid ?? -1;
