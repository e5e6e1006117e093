/** A process that takes a chain up, prints its name, and never lets it go. */
import { holdChain } from '../../src/temporal/audit/hold-chain.js';

const { writer } = await holdChain(process.argv[2] ?? '', { kind: 'worker', name: 'holder' }, () => Promise.resolve(null));
console.log(writer.head?.chain);
setInterval(() => undefined, 60_000);
