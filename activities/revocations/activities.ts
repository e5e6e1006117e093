import { ResealError } from '../../src/domain/errors.js';
import type { GivenRevocation, KeptRevocation } from '../../src/domain/revocations.js';
import { judgedRevocations } from '../../src/statement/revocations.js';
import { asFailure, type Surroundings } from '../rotation/surroundings.js';
import type { RevocationActivities, RevocationKept } from './contract.js';
import { mustBeRecordable } from './judge.js';
import { adoptedAnywhere, revocationJudges, storeNames, unique } from './known.js';

type Around = Pick<Surroundings, 'configuration' | 'store' | 'clock'>;

export function createRevocationActivities(around: Around): RevocationActivities {
  return { recordRevocation: (given) => asFailure(() => record(around, given)) };
}

async function record(around: Around, given: GivenRevocation): Promise<RevocationKept> {
  const configuration = around.configuration();
  const statement = mustBeRecordable(configuration, given, around.clock());
  const context = { by: statement.person, ticket: statement.ticket };
  const names = storeNames(configuration);
  const found = await Promise.all(names.map((name) => orFailure(() => around.store(name).revocations())));
  const judges = revocationJudges(configuration, await adoptedAnywhere(around), around.clock());
  const known = unique(found.flatMap((one) => (one instanceof ResealError ? [] : one)));
  const others = known.filter((document) => judgedRevocations([document], judges).revocations[0]?.lacks === null) as KeptRevocation[];
  const kept: KeptRevocation = { kind: 'revocation', schemaVersion: 1, statement, signature: given.signature };
  const items = [kept, ...others].map((document) => ({ kind: 'revocation' as const, document }));
  const keptIn: string[] = [];
  const missing: { store: string; reason: string }[] = [];
  const failures: ResealError[] = [];
  for (const name of names) {
    const store = around.store(name);
    const failed = await orFailure(async () => {
      if (await store.isThere()) return store.putMany(items, context);
      throw new ResealError('STORE_UNREACHABLE', `The store ${name} is away, or nobody has begun it yet.`);
    });
    if (!(failed instanceof ResealError)) keptIn.push(name);
    else {
      failures.push(failed);
      missing.push({ store: name, reason: failed.message.replace(/\.$/, '') });
    }
  }
  const [first] = failures;
  if (keptIn.length === 0) throw first ?? new ResealError('REFUSED', 'topology.yaml declares no line, so there is no store to keep it in.');
  return { keptIn, missing };
}

async function orFailure<T>(work: () => Promise<T>): Promise<T | ResealError> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof ResealError) return error;
    throw error;
  }
}
