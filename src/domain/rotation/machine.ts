/**
 * The rotation's machine, pure: `apply` what happened, `settle` what follows from time and from what is done, and ask what is `next`.
 * `commands.ts` has what people may say to it.
 */
export { newRotation } from './moves.js';
export { apply, canaryReportOf, mustAsk, type GateOpening, type NodesEnded, type RotationEvent } from './events.js';
export { settle } from './settle.js';
export { isSameWork, next, wakeAt, type Action, type NodesAction } from './next.js';
