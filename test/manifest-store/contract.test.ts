import { contractOf, remoteContractOf } from './store-contract.js';

contractOf('path');
contractOf('file');
remoteContractOf('file');
