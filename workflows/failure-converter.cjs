'use strict';
// CommonJS: Temporal's SDK loads a failure converter by `require`, in workers and clients, and its bundler takes it into the workflows.
const { DefaultFailureConverter } = require('@temporalio/common');

const ENCODED = 'Encoded failure';

/**
 * Messages and stack traces travel as payloads, which the codec encrypts, those of causes too. The SDK's own converter (1.24) sends a failure that it has
 * received on as it was read, so that the message of what made an activity fail would be plain in the failure of its workflow.
 */
class WhollyEncoded extends DefaultFailureConverter {
  constructor() {
    super({ encodeCommonAttributes: true });
  }

  errorToFailure(error, payloadConverter, context) {
    return this.withEncodedCauses(super.errorToFailure(error, payloadConverter, context), payloadConverter, context);
  }

  withEncodedCauses(failure, payloadConverter, context) {
    const { cause } = failure;
    if (cause === undefined || cause === null) return failure;
    return { ...failure, cause: this.withEncodedCauses(this.encoded(cause, payloadConverter, context), payloadConverter, context) };
  }

  encoded(failure, payloadConverter, context) {
    const { message, stackTrace } = failure;
    if (message === ENCODED && failure.encodedAttributes) return failure;
    const encodedAttributes = payloadConverter.toPayload({ message: message ?? '', stack_trace: stackTrace ?? '' }, context);
    return { ...failure, message: ENCODED, stackTrace: '', encodedAttributes };
  }
}

exports.failureConverter = new WhollyEncoded();
