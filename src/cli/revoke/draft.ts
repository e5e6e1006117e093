import { ResealError } from '../../domain/errors.js';
import { readRevocation, type RevocationStatement } from '../../domain/revocations.js';

/** What a person signs of a revocation: no more and no less than what is read of it later. @throws ResealError USAGE */
export function draftRevocation(draft: object): RevocationStatement {
  const read = readRevocation(draft);
  if (read.kind === 'revocation') return read.statement;
  throw new ResealError('USAGE', `This cannot be signed: ${read.reason}.`);
}
