import { Clock } from '../core/clock.js';

/**
 * A clock that stands still until it is told otherwise. Give it to the module as `clock`, or to a store, and move the
 * time by hand: sessions expire without a wait.
 */
export class FakeClock extends Clock {
  #now: number;

  /** @param start epoch milliseconds; the first instant of 2026 unless given. */
  constructor(start: number = Date.UTC(2026, 0, 1)) {
    super();
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  /** Moves the time forward by `ms` milliseconds, or back where that is negative. */
  advance(ms: number): void {
    this.#now += ms;
  }

  /** Sets the time to an instant, in epoch milliseconds. */
  set(instant: number): void {
    this.#now = instant;
  }
}
