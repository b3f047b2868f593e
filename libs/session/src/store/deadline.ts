/** That an answer did not come in time. What was asked for may have happened, or may still. */
export class DeadlineError extends Error {
  override readonly name = 'DeadlineError';
}

/** One span of time for several steps. Clear it when they are done. */
export class Deadline {
  readonly #expired: Promise<never>;
  #timer: NodeJS.Timeout | undefined;

  constructor(readonly ms: number) {
    this.#expired = new Promise((_resolve, reject) => {
      this.#timer = setTimeout(() => reject(new DeadlineError(`no answer within ${ms} ms`)), ms);
    });
    // Nobody may be waiting when it expires.
    this.#expired.catch(() => {});
  }

  /** The outcome of `step`. @throws DeadlineError where the time is up first; `step` goes on unwatched. */
  race<T>(step: Promise<T>): Promise<T> {
    return Promise.race([step, this.#expired]);
  }

  clear(): void {
    clearTimeout(this.#timer);
  }
}
