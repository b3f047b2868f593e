import type { PurgeReport } from '../core/session-purge.js';
import type { PurgeBatch } from '../core/session-store.js';

/** Adds up the batches of one run. */
export class PurgeTally {
  readonly #startedAt = performance.now();
  readonly #byReason = new Map<string, number>();
  #deleted = 0;
  #batches = 0;
  #slowestStatementMs = 0;
  #oldestOverdueMs = 0;
  #wereRowsPassedOver = false;

  /** Adds a batch whose statement took `elapsedMs`, of a run whose rows were due at `cutoff`. */
  add(batch: PurgeBatch, elapsedMs: number, cutoff: number): void {
    this.#batches += 1;
    this.#deleted += batch.deleted.length;
    this.#slowestStatementMs = Math.max(this.#slowestStatementMs, elapsedMs);
    this.#wereRowsPassedOver ||= batch.deleted.length < batch.selected;
    for (const { reason, purgeAt } of batch.deleted) {
      this.#byReason.set(reason, (this.#byReason.get(reason) ?? 0) + 1);
      this.#oldestOverdueMs = Math.max(this.#oldestOverdueMs, cutoff - purgeAt);
    }
  }

  /** @param wasStopped whether the run ended before it had seen every row that is due. */
  report(wasStopped: boolean): PurgeReport {
    return {
      deleted: this.#deleted,
      byReason: Object.fromEntries(this.#byReason),
      batches: this.#batches,
      durationMs: Math.round(performance.now() - this.#startedAt),
      slowestStatementMs: Math.round(this.#slowestStatementMs),
      more: wasStopped || this.#wereRowsPassedOver,
      oldestOverdueMs: this.#oldestOverdueMs,
      strategy: 'index',
    };
  }
}
