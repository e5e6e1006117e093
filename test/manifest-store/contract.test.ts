import { describe } from 'vitest';
import { versitygwMissing } from '../setup/versitygw.js';
import { ServedBucket } from './served-bucket.js';
import { ServedStore } from './served-store.js';
import { contractOf, remoteContractOf } from './store-contract.js';

contractOf('path', () => ServedStore.start('path'));
contractOf('file', () => ServedStore.start('file'));
remoteContractOf('file');

describe.skipIf(versitygwMissing() !== null)('with versitygw', () => {
  contractOf('bucket', () => ServedBucket.start());
});
