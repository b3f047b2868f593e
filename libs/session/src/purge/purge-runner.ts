import { seconds } from '../core/duration.js';
import { isSessionError } from '../core/errors.js';
import type { SessionEvents } from '../core/session-events.js';
import { SessionPurge, type PurgeOptions, type PurgeReport } from '../core/session-purge.js';
import type { PurgeBatch, PurgedSession, SessionStore } from '../core/session-store.js';
import { DEFAULT_PACING, Pacing, pauseAfter, type PurgePacing } from './pacing.js';
import { pause } from './pause.js';
import { PurgeTally } from './purge-tally.js';

const DEFAULT_BUDGET_MS = seconds(20);

/** How often a batch is tried, each time half as large, that fails by a lock or by the statement's deadline. */
const MAX_ATTEMPTS = 3;
const RETRY_PAUSE_MS = 200;

/** One statement and how it went. */
interface TimedBatch {
  readonly batch: PurgeBatch;
  readonly limit: number;
  readonly elapsedMs: number;
}

/**
 * Purges in batches of `SessionStore.purgeBatch`, by the instant at which the run began, until a batch finds fewer rows
 * than it asked for, the budget is spent or the signal is aborted.
 *
 * Every run raises `purge:completed` or `purge:failed`, and `session:expired` once for each session that ended by
 * itself; those that were revoked were announced when that happened.
 */
export class PurgeRunner extends SessionPurge {
  constructor(
    private readonly store: SessionStore,
    private readonly events: SessionEvents,
    private readonly pacing: PurgePacing = DEFAULT_PACING,
  ) {
    super();
  }

  override async run(options: PurgeOptions = {}): Promise<PurgeReport> {
    try {
      const report = await this.#purge(options);
      this.events.emit('purge:completed', report);
      return report;
    } catch (error) {
      const failure =
        error instanceof Error ? error : new Error('The purge failed.', { cause: error });
      this.events.emit('purge:failed', { error: failure });
      throw error;
    }
  }

  async #purge({ budgetMs = DEFAULT_BUDGET_MS, signal }: PurgeOptions): Promise<PurgeReport> {
    const endsAt = performance.now() + budgetMs;
    const tally = new PurgeTally();
    const pacing = new Pacing(this.pacing);
    const cutoff = await this.store.now();
    let watermark = 0;
    while (signal?.aborted !== true) {
      const { batch, limit, elapsedMs } = await this.#nextBatch(cutoff, watermark, pacing, signal);
      tally.add(batch, elapsedMs, cutoff);
      this.#announce(batch.deleted);
      if (batch.selected < limit) return tally.report(false);
      // A full batch of rows that cannot be deleted would be selected again and again.
      if (batch.deleted.length === 0) return tally.report(true);
      watermark = batch.watermark;
      pacing.learn(elapsedMs);
      const pauseMs = pauseAfter(elapsedMs);
      if (performance.now() + pauseMs >= endsAt) return tally.report(true);
      await pause(pauseMs, signal);
    }
    return tally.report(true);
  }

  async #nextBatch(
    cutoff: number,
    watermark: number,
    pacing: Pacing,
    signal: AbortSignal | undefined,
  ): Promise<TimedBatch> {
    for (let attempt = 1; ; attempt += 1) {
      const limit = pacing.batchSize;
      const startedAt = performance.now();
      try {
        const batch = await this.store.purgeBatch({ cutoff, watermark, limit });
        return { batch, limit, elapsedMs: performance.now() - startedAt };
      } catch (error) {
        const isWorthwhile = attempt < MAX_ATTEMPTS && signal?.aborted !== true;
        if (!isWorthwhile || !isSessionError(error, 'SESSION_STORE_UNAVAILABLE')) throw error;
        pacing.slowDown();
        await pause(RETRY_PAUSE_MS, signal);
      }
    }
  }

  #announce(deleted: readonly PurgedSession[]): void {
    for (const { id, userId, reason } of deleted) {
      if (reason === 'idle-expired' || reason === 'absolute-expired') {
        this.events.emit('session:expired', { sessionId: id, userId, reason });
      }
    }
  }
}
