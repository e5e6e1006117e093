import { WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure } from '@temporalio/common';
import { describe, expect, it } from 'vitest';
import { asResealError } from '../../src/api/errors.js';

const refused = (message: string): string =>
  asResealError(new WorkflowUpdateFailedError('refused', ApplicationFailure.nonRetryable(message, 'REFUSED'))).message;

describe('a refusal of a workflow, as people read it', () => {
  it.each([
    ['the roster does not let ada cancel', 'The roster does not let ada cancel.'],
    ['once, and no more', 'Once, and no more.'],
    ['ios-main-1 is in flight', 'ios-main-1 is in flight.'],
    ['ada: what she said', 'ada: what she said.'],
    ['281794afb1b4 is not what is to be approved', '281794afb1b4 is not what is to be approved.'],
    ['"soon" is no ticket id', '"soon" is no ticket id.'],
  ])('%j: a sentence, and an id at its beginning stays what it is', (message, sentence) => {
    expect(refused(message)).toBe(sentence);
  });
});
