import { ResealError } from '../../../src/domain/errors.js';
import type { StoredObject } from './objects.js';
import { addressOf, type BucketPlace } from './place.js';

/** A document as it is now. */
export interface Present<T> extends StoredObject {
  readonly value: T;
}

/** @throws ResealError DIGEST_MISMATCH for what reseal did not write */
export function parsed<T>(place: BucketPlace, path: string, object: StoredObject): Present<T> {
  try {
    return { ...object, value: JSON.parse(Buffer.from(object.bytes).toString('utf8')) as T };
  } catch (cause) {
    throw new ResealError(
      'DIGEST_MISMATCH',
      `${path} in the store ${addressOf(place)} is damaged: it is no JSON. Bring back the version before it.`,
      { cause },
    );
  }
}
