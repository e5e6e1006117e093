import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Where this installation has the program that runs on a node of `reach: ssh`. */
export const NODE_SCRIPT_PATH = fileURLToPath(new URL('./reseal-node.sh', import.meta.url));

export const nodeScript = (): string => readFileSync(NODE_SCRIPT_PATH, 'utf8');
