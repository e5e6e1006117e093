/** Who carries out a rolling change of the bench. What it needs runs already, and is no part of the time that a change takes. */
export interface Contender {
  /** What goes first, unmeasured; it opens connections. Seconds. */
  warm(): Promise<number>;
  /** Brings every node to the next edition of the profiles: staged, switched, and probed three times. Seconds. */
  change(): Promise<number>;
  stop(): Promise<void>;
}

export interface RollingRequest {
  /** Its own, for everything that it writes. */
  readonly folder: string;
  readonly nodes: number;
  /** Nodes that have their turn together; the next ones wait for the last of them. */
  readonly serial: number;
  readonly say: (line: string) => void;
}

/** Time that `work` takes, in seconds. */
export async function timed(work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return (performance.now() - began) / 1000;
}
