'use strict';
// CommonJS: Temporal's SDK loads a failure converter by `require`, in workers and clients, and its bundler takes it into the workflows.
const { DefaultFailureConverter } = require('@temporalio/common');

/** Messages and stack traces travel as payloads, which the codec encrypts. */
exports.failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
