import { setTimeout as sleep } from 'node:timers/promises';
import { ResealError } from '../../src/domain/errors.js';
import { theStore, type SpokenPlace } from './out-of-reach.js';

/** What `read` finds wrong, or that it has found nothing within so many milliseconds. @param look what to do then, a sentence */
export function troubleWithin(
  place: SpokenPlace,
  within: number,
  read: Promise<ResealError | null>,
  look: string,
): Promise<ResealError | null> {
  const late = sleep(within, null, { ref: false }).then(
    () => new ResealError('STORE_UNREACHABLE', `${theStore(place)} has not answered for ${within / 1000} s. ${look}`),
  );
  return Promise.race([read, late]);
}
