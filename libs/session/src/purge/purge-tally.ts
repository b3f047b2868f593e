import type { PurgeReport } from '../core/session-purge.js';
import type { PurgedCount } from '../core/session-store.js';

/** Adds up the statements of one run. */
export class PurgeTally {
  readonly #startedAt = performance.now();
  readonly #byReason = new Map<string, number>();
  readonly #cutoff: number;
  #deleted = 0;
  #batches = 0;
  #slowestStatementMs = 0;
  #oldestOverdueMs = 0;
  #strategy: PurgeReport['strategy'] = 'index';

  /** @param cutoff when the rows of the run were due, in epoch milliseconds */
  constructor(cutoff: number) {
    this.#cutoff = cutoff;
  }

  /** Adds a statement that took `elapsedMs`. */
  add(strategy: PurgeReport['strategy'], counts: readonly PurgedCount[], elapsedMs: number): void {
    this.#batches += 1;
    this.#slowestStatementMs = Math.max(this.#slowestStatementMs, elapsedMs);
    if (strategy === 'walk') this.#strategy = strategy;
    for (const { reason, count, oldestPurgeAt } of counts) {
      this.#deleted += count;
      this.#byReason.set(reason, (this.#byReason.get(reason) ?? 0) + count);
      this.#oldestOverdueMs = Math.max(this.#oldestOverdueMs, this.#cutoff - oldestPurgeAt);
    }
  }

  /** @param more whether rows that are due were left. */
  report(more: boolean): PurgeReport {
    return {
      deleted: this.#deleted,
      byReason: Object.fromEntries(this.#byReason),
      batches: this.#batches,
      durationMs: Math.round(performance.now() - this.#startedAt),
      slowestStatementMs: Math.round(this.#slowestStatementMs),
      more,
      oldestOverdueMs: this.#oldestOverdueMs,
      strategy: this.#strategy,
    };
  }
}
