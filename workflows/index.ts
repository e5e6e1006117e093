export { cohortStep } from './cohort-step.js';
export { expiryScan } from './expiry-scan.js';
export { incidentRollback } from './incident-rollback.js';
export { nodeInspection } from './node-inspection.js';
export { nodePurge } from './node-purge.js';
export { rotation } from './rotation.js';
export { signClaim } from './sign-claim.js';
export { signerSeat } from './signer-seat.js';
