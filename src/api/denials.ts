import type { ChainWriter } from '../../activities/audit/chain-writer.js';
import type { AuditFacts, AuditSubject } from '../domain/audit/record.js';
import type { ErrorCode } from '../domain/errors.js';

/** Somebody who was turned away. */
export interface Denial {
  /** As it is declared, never as it was asked: what strangers write is not taken down. */
  readonly route: string;
  readonly status: number;
  readonly code: ErrorCode;
  /** Whose token it was, where that counted; null: nobody's. */
  readonly caller: string | null;
  /** In whose name it was asked, as the body says; nobody has proved it. */
  readonly person: string | null;
  readonly address: string;
  /** The role that was missing. */
  readonly role: string | null;
}

/** Repeats are counted for so long before they are written, in milliseconds. */
const COUNTED_FOR = 60_000;
/** Different ones within that time; all beyond are counted as one, so that nobody fills the disk. Strangers crowd out no caller. */
const MOST_AT_ONCE = { strangers: 10, callers: 20 } as const;
type Crowd = keyof typeof MOST_AT_ONCE;

const crowdOf = ({ caller }: Denial): Crowd => (caller === null ? 'strangers' : 'callers');

interface Counted {
  readonly denial: Denial;
  /** Since it was written last. */
  times: number;
}

/** Writes who was turned away into the chain of the API: the first time at once, repeats by their number after a minute. */
export class Denials {
  private counted = new Map<string, Counted>();
  private others: Record<Crowd, number> = { strangers: 0, callers: 0 };
  private timer: NodeJS.Timeout | null = null;
  private last: Promise<void> = Promise.resolve();
  private unwritten = { records: 0, since: '' };

  /** @param clock milliseconds since 1970 @param countedFor milliseconds */
  constructor(
    private readonly chain: Pick<ChainWriter, 'append'>,
    private readonly clock: () => number = Date.now,
    private readonly countedFor = COUNTED_FOR,
  ) {}

  /** Never throws, and nobody waits for it: who is turned away is so whatever the disk does. */
  record(denial: Denial): void {
    this.timer ??= setTimeout(() => { this.flush(); }, this.countedFor).unref(); // prettier-ignore
    const key = JSON.stringify(denial);
    const known = this.counted.get(key);
    if (known !== undefined) known.times += 1;
    else if (this.isCrowded(crowdOf(denial))) this.others[crowdOf(denial)] += 1;
    else {
      this.counted.set(key, { denial, times: 0 });
      this.write(factsOf(denial, 1), denial.code);
    }
  }

  private isCrowded(crowd: Crowd): boolean {
    return [...this.counted.values()].filter(({ denial }) => crowdOf(denial) === crowd).length >= MOST_AT_ONCE[crowd];
  }

  /** What was counted is written then. */
  async close(): Promise<void> {
    this.flush();
    await this.last;
  }

  private flush(): void {
    if (this.timer !== null) clearTimeout(this.timer);
    this.timer = null;
    const [counted, others] = [this.counted, this.others];
    this.counted = new Map();
    this.others = { strangers: 0, callers: 0 };
    for (const { denial, times } of counted.values()) if (times > 0) this.write(factsOf(denial, times), denial.code);
    for (const [crowd, times] of Object.entries(others))
      if (times > 0) this.write({ route: 'several', from: crowd, times }, 'NOT_ENTITLED');
  }

  private write(facts: AuditFacts, code: ErrorCode): void {
    this.last = this.last.then(() => this.append({ kind: 'denial', code, facts }));
  }

  private async append(subject: AuditSubject): Promise<void> {
    try {
      const told = this.unwritten;
      if (told.records > 0) {
        await this.chain.append({ kind: 'unwritten', unwritten: told });
        this.unwritten = { records: 0, since: '' };
      }
      await this.chain.append(subject);
    } catch {
      const { records, since } = this.unwritten;
      this.unwritten = { records: records + 1, since: records === 0 ? new Date(this.clock()).toISOString() : since };
    }
  }
}

function factsOf({ route, status, caller, person, address, role }: Denial, times: number): AuditFacts {
  const known = { caller, person, role };
  return {
    route,
    status,
    address,
    ...Object.fromEntries(Object.entries(known).filter(([, value]) => value !== null)),
    times,
  };
}
