import { ResealError } from '../../domain/errors.js';
import type { TermsView } from '../../presenters/statement.js';
import type { ApiClient } from '../api-client.js';

/**
 * What a statement about a line has to name.
 * @param more what else is asked for, as a query
 * @throws ResealError DIGEST_MISMATCH where another line is answered for
 */
export async function termsFor(api: ApiClient, line: string, more = ''): Promise<TermsView> {
  const terms = await api.get<TermsView>(`/v1/lines/${encodeURIComponent(line)}/terms${more}`);
  if (terms.line === line) return terms;
  throw new ResealError(
    'DIGEST_MISMATCH',
    `Asked of ${line}, the control API answers for ${terms.line}. Nothing was signed; find out who answers there.`,
  );
}
