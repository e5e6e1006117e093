import { isDenied, failureOf, unusable } from './failures.js';
import { json } from '../store-items.js';
import type { BucketObjects, Condition } from './objects.js';
import type { BucketPlace } from './place.js';

const GUARD = 'guard.json';
const CONTENT = json({ purpose: 'reseal tries here whether this bucket heeds the conditions of a write' });
/** No object has it: an MD5 of nothing that anybody would store. */
const NO_VERSION: Condition = { kind: 'unchanged', etag: '"00000000000000000000000000000000"' };

/**
 * Holds that a bucket keeps versions and heeds conditions. A server that does not know If-Match drops it in silence, and two writers would both believe
 * that they had moved a head: so a write is tried that must not land. What it writes is what is there. An account that may not write is let be: it cannot
 * do harm.
 * @throws ResealError STORE_UNREACHABLE, BucketFailure
 */
export async function guard(objects: BucketObjects, place: BucketPlace): Promise<void> {
  const versioning = await objects.versioning();
  if (versioning !== 'enabled')
    throw unusable(
      place,
      `it keeps no versions of what is overwritten (versioning is ${versioning === 'suspended' ? 'suspended' : 'off'}). Turn it on: aws s3api put-bucket-versioning --bucket ${place.bucket} --versioning-configuration Status=Enabled`,
    );
  try {
    const first = await objects.write(GUARD, CONTENT, { kind: 'absent' });
    const again = first.outcome === 'written' ? await objects.write(GUARD, CONTENT, { kind: 'absent' }) : first;
    if (again.outcome === 'written') throw heedless(place, 'If-None-Match');
    if ((await objects.write(GUARD, CONTENT, NO_VERSION)).outcome === 'written') throw heedless(place, 'If-Match');
  } catch (error) {
    if (!isDenied(failureOf(error))) throw error;
  }
}

const heedless = (place: BucketPlace, header: string): Error =>
  unusable(
    place,
    `it writes whatever the condition of a write says (${header}), so two rotations could both move a head. Take a bucket of a server that heeds it.`,
  );
