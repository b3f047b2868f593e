/** How hard a purge may work the database: a figure to aim at, two never to pass. */
export interface PurgePacing {
  /** The time that one statement should take, in milliseconds. */
  readonly targetStatementMs: number;
  /** The same flat out. Short statements cost more in all. */
  readonly flatOutStatementMs: number;
  /** Most rows in one statement. */
  readonly maxBatchSize: number;
  /** Most rows that one statement of a walk spans, due or not. */
  readonly maxSpan: number;
}

/**
 * For databases that serve many connections. What a statement writes to the log, the next commit of somebody else has to
 * flush: the p99 of a login beside a purge was 1.7 times that without on PostgreSQL 15, and 1.6 on MariaDB 10.11, with 25 ms
 * and a fifth of the time; 0.9 and 1.0 with 10 ms and a tenth. Flat out, MariaDB deletes 5 % faster at 50 ms than at 30 or 37,
 * but single statements last up to 133 ms there, and 94 at 30.
 */
export const DEFAULT_PACING: PurgePacing = {
  targetStatementMs: 10,
  flatOutStatementMs: 30,
  maxBatchSize: 5000,
  maxSpan: 20_000,
};

/** For databases with one writer, such as SQLite: a statement of the purge is a wait for everyone else. */
export const ONE_WRITER_PACING: PurgePacing = {
  targetStatementMs: 5,
  flatOutStatementMs: 8,
  maxBatchSize: 200,
  maxSpan: 200,
};

const FIRST_SIZE = 500;
const LEAST_SIZE = 50;
/** A commit costs its time however few rows it has: where the disk is slow, smaller statements would only be more of them. */
const LEAST_SHARE = 1 / 20;
const GROWTH = 1.5;

/** The share of the time that a purge works; the rest it leaves to others. */
const DUTY_CYCLE = 0.1;

/**
 * The size of the next statement, learnt from how long the last one took: half as large when the target was passed, half
 * as large again when it took less than half of it. Time alone takes it no lower than to a twentieth of the most.
 */
export class AdaptiveSize {
  readonly #targetMs: number;
  readonly #most: number;
  #rows: number;

  constructor(targetMs: number, most: number) {
    this.#targetMs = targetMs;
    this.#most = most;
    this.#rows = Math.min(FIRST_SIZE, most);
  }

  get rows(): number {
    return this.#rows;
  }

  get #least(): number {
    return Math.min(LEAST_SIZE, this.#most);
  }

  /** Learns from a statement that took `elapsedMs`. */
  learn(elapsedMs: number): void {
    if (elapsedMs > this.#targetMs) {
      const least = Math.max(this.#least, Math.floor(this.#most * LEAST_SHARE));
      this.#rows = Math.max(Math.floor(this.#rows / 2), Math.min(this.#rows, least));
    } else if (elapsedMs < this.#targetMs / 2) {
      this.#rows = Math.min(Math.ceil(this.#rows * GROWTH), this.#most);
    }
  }

  /** As after a statement that failed. */
  halve(): void {
    this.#rows = Math.max(Math.floor(this.#rows / 2), this.#least);
  }
}

/** The pause that a statement of `elapsedMs` earns, so that the purge works one tenth of the time. */
export function pauseAfter(elapsedMs: number): number {
  return (elapsedMs * (1 - DUTY_CYCLE)) / DUTY_CYCLE;
}
