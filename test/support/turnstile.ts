/** A place where work waits until it is let through: for what happens meanwhile. */
export class Turnstile {
  /** Resolves when somebody waits. */
  readonly entered: Promise<void>;
  #enter = (): void => {};
  #open = (): void => {};
  readonly #opened: Promise<void>;

  constructor() {
    this.entered = new Promise((resolve) => {
      this.#enter = resolve;
    });
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  /** Waits until the turnstile is opened. */
  pass(): Promise<void> {
    this.#enter();
    return this.#opened;
  }

  open(): void {
    this.#open();
  }
}
