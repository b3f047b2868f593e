/** A place where callers wait for each other: for what must all be under way at the same moment. */
export class Rendezvous {
  #missing: number;
  #complete = (): void => {};
  readonly #completed: Promise<void>;

  /** @param count how many callers have to be there. */
  constructor(count: number) {
    this.#missing = count;
    this.#completed = new Promise((resolve) => {
      this.#complete = resolve;
    });
  }

  /** Waits until all are there. */
  arrive(): Promise<void> {
    this.#missing -= 1;
    if (this.#missing === 0) this.#complete();
    return this.#completed;
  }
}
