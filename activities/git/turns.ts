/** Work of one kind, one at a time; those who ask while one is under way share the next one. */
export class Turns<T> {
  private last: Promise<unknown> = Promise.resolve();
  private waiting: Promise<T> | null = null;

  /** Answers what a run that begins after this call does. */
  next(work: () => Promise<T>): Promise<T> {
    this.waiting ??= this.alone(() => {
      this.waiting = null;
      return work();
    });
    return this.waiting;
  }

  /** Runs while no other work does. */
  alone<U>(work: () => Promise<U>): Promise<U> {
    const turn = this.last.then(work);
    this.last = turn.catch(() => undefined);
    return turn;
  }
}
