/** What is wrong with a chain, or with a copy of it. */
export type AuditFault =
  /** A record, or the one after it, is not what it was when the chain was written. */
  | 'changed'
  | 'missing'
  | 'reordered'
  | 'repeated'
  /** Records are gone at the end: something else knows of them. */
  | 'truncated'
  /** A record of another chain. */
  | 'foreign'
  | 'unreadable'
  /** Records after the last signature. */
  | 'unsigned'
  /** A signature that is none, or not the writer's. */
  | 'forged'
  /** Nothing is left of a chain that something else knows of. */
  | 'gone'
  /** A copy has not what it was given. */
  | 'gap';

export interface AuditFinding {
  readonly fault: AuditFault;
  readonly chain: string;
  /** The first record that it is about; null: the chain as a whole. */
  readonly seq: number | null;
  /** A sentence: what was found, where, and what was expected. */
  readonly text: string;
}
