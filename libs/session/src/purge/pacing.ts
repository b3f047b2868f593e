/** How hard a purge may work the database: one figure to aim at, one never to pass. */
export interface PurgePacing {
  /** The time that one statement should take, in milliseconds. */
  readonly targetStatementMs: number;
  /** Most rows in one statement. */
  readonly maxBatchSize: number;
}

/** For databases that serve many connections. */
export const DEFAULT_PACING: PurgePacing = { targetStatementMs: 25, maxBatchSize: 5000 };

/** For databases with one writer, such as SQLite: a statement of the purge is a wait for everyone else. */
export const ONE_WRITER_PACING: PurgePacing = { targetStatementMs: 5, maxBatchSize: 200 };

const FIRST_BATCH_SIZE = 500;
const LEAST_BATCH_SIZE = 50;
const GROWTH = 1.5;

/** The share of the time that a purge works; the rest it leaves to others. */
const DUTY_CYCLE = 0.2;

/**
 * The size of the next batch, learnt from how long the last one took: half as large when the target was passed, half as
 * large again when it took less than half of it.
 */
export class Pacing {
  readonly #pacing: PurgePacing;
  #batchSize: number;

  constructor(pacing: PurgePacing) {
    this.#pacing = pacing;
    this.#batchSize = Math.min(FIRST_BATCH_SIZE, pacing.maxBatchSize);
  }

  get batchSize(): number {
    return this.#batchSize;
  }

  /** Learns from a statement that took `elapsedMs`. */
  learn(elapsedMs: number): void {
    const { targetStatementMs, maxBatchSize } = this.#pacing;
    if (elapsedMs > targetStatementMs) {
      this.slowDown();
    } else if (elapsedMs < targetStatementMs / 2) {
      this.#batchSize = Math.min(Math.ceil(this.#batchSize * GROWTH), maxBatchSize);
    }
  }

  /** Halves the batch, as after a statement that failed. */
  slowDown(): void {
    const least = Math.min(LEAST_BATCH_SIZE, this.#pacing.maxBatchSize);
    this.#batchSize = Math.max(Math.floor(this.#batchSize / 2), least);
  }
}

/** The pause that a statement of `elapsedMs` earns, so that the purge works one fifth of the time. */
export function pauseAfter(elapsedMs: number): number {
  return (elapsedMs * (1 - DUTY_CYCLE)) / DUTY_CYCLE;
}
