import type { Clock } from './clock.js';

/** Answers that come this much late are common where much is going on. In milliseconds. */
const MAX_DELAY_MS = 5000;

/**
 * The store's time as this process last heard it, with what has passed since. The clocks of the application's machines, and
 * setting them, move nothing. Where the options give a clock, it is that clock's time.
 */
export class StoreTime {
  #heard: { readonly now: number; readonly at: number } | null = null;

  constructor(private readonly clock: Clock | null) {}

  /** Whether `now` is by the store. Before the first answer it is by this process. */
  get isKnown(): boolean {
    return this.clock !== null || this.#heard !== null;
  }

  get now(): number {
    if (this.clock !== null) return this.clock.now();
    if (this.#heard === null) return Date.now();
    return this.#heard.now + Math.floor(performance.now() - this.#heard.at);
  }

  /**
   * Takes the time that an answer of the store holds. One that was long on its way holds an earlier time than another that
   * was not: the latest is the closest, unless the store's clock was set back.
   */
  hear(now: number): void {
    const isLate = this.#heard !== null && now < this.now && now > this.now - MAX_DELAY_MS;
    if (!isLate) this.#heard = { now, at: performance.now() };
  }
}
