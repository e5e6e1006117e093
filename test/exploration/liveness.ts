/** The moves that the machine makes by itself, among worlds by number; and from which of them no end and no question is ever reached. */
export class Liveness {
  private readonly from: number[] = [];
  private readonly to: number[] = [];
  private readonly goodOnes: number[] = [];

  edge(from: number, to: number): void {
    this.from.push(from);
    this.to.push(to);
  }

  /** A world with an end or a question. */
  good(world: number): void {
    this.goodOnes.push(world);
  }

  /** The first world from which no good one is reached; null where there is none. */
  stuck(worlds: number): number | null {
    // Backwards from the good ones, over the edges sorted by where they lead.
    const firstInto = new Int32Array(worlds + 1);
    for (const target of this.to) firstInto[target + 1] = (firstInto[target + 1] ?? 0) + 1;
    for (let world = 0; world < worlds; world++) firstInto[world + 1] = (firstInto[world + 1] ?? 0) + (firstInto[world] ?? 0);
    const sources = new Int32Array(this.from.length);
    const filled = firstInto.slice();
    this.to.forEach((target, edge) => {
      const place = filled[target] ?? 0;
      sources[place] = this.from[edge] ?? 0;
      filled[target] = place + 1;
    });
    const reaches = new Uint8Array(worlds);
    const open = [...this.goodOnes];
    for (const world of open) reaches[world] = 1;
    for (let world = open.pop(); world !== undefined; world = open.pop()) {
      for (let edge = firstInto[world] ?? 0; edge < (firstInto[world + 1] ?? 0); edge++) {
        const source = sources[edge] ?? 0;
        if (reaches[source] === 1) continue;
        reaches[source] = 1;
        open.push(source);
      }
    }
    const found = reaches.indexOf(0);
    return found < 0 ? null : found;
  }
}
