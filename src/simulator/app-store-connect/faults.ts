/** What the stand-in does to one request instead of what it should. */
export type Fault =
  | { readonly fault: 'answer'; readonly status: number; readonly body: string; readonly headers?: Readonly<Record<string, string>> }
  /** The answer ends in the middle. */
  | { readonly fault: 'truncated' }
  /** It is done, and nobody is told. */
  | { readonly fault: 'done-and-hung-up' };

interface PlannedFault {
  readonly method: string;
  readonly fault: Fault;
  times: number;
}

/** Faults to come, in order. */
export class Faults {
  private readonly planned: PlannedFault[] = [];

  plan(method: 'GET' | 'POST', fault: Fault, times = 1): void {
    this.planned.push({ method, fault, times });
  }

  /** The fault of this request; null for none. */
  take(method: string): Fault | null {
    const found = this.planned.find((one) => one.method === method && one.times > 0);
    if (found === undefined) return null;
    found.times -= 1;
    return found.fault;
  }
}
