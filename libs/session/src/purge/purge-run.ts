import { setImmediate } from 'node:timers/promises';

import { seconds } from '../core/duration.js';
import { isSessionError } from '../core/errors.js';
import { countPurged } from '../core/purged-counts.js';
import type { SessionEvents } from '../core/session-events.js';
import type { PurgeOptions, PurgeReport } from '../core/session-purge.js';
import { HIGHEST_ID } from '../core/session-id.js';
import type { PurgedSession, SessionStore } from '../core/session-store.js';
import { AdaptiveSize, pauseAfter, type PurgePacing } from './pacing.js';
import { pause } from './pause.js';
import { advanced, walkFrom, type PurgeMemory } from './purge-memory.js';
import { PurgeTally } from './purge-tally.js';

const DEFAULT_BUDGET_MS = seconds(20);

/** How often a statement is tried, each time half as large, that fails by a lock or by its deadline. */
const MAX_ATTEMPTS = 3;
const RETRY_PAUSE_MS = 200;

/** What was deleted by the index before it is worth to ask how much of the table is due: fewer rows are gone as quickly. */
const BACKLOG_ROWS = 2000;

/**
 * The share of a table from which on a walk costs less than the index. The index reaches each row through pages of its
 * own, a walk reads every page once: where a tenth is due, ten rows for each that it deletes.
 */
const WALK_SHARE = 0.1;

/** What a run gets from whoever starts it. */
export interface PurgeRunParts {
  readonly store: SessionStore;
  readonly events: SessionEvents;
  readonly memory: PurgeMemory;
  readonly pacing: PurgePacing;
  readonly options: PurgeOptions;
}

/** One run of the purge. */
export class PurgeRun {
  readonly #store: SessionStore;
  readonly #events: SessionEvents;
  readonly #memory: PurgeMemory;
  readonly #signal: AbortSignal | undefined;
  readonly #isFlatOut: boolean;
  readonly #endsAt: number;
  readonly #batch: AdaptiveSize;
  readonly #span: AdaptiveSize;
  /** As of when rows are due, by the store's clock. */
  readonly #cutoff: number;
  readonly #tally: PurgeTally;

  constructor({ store, events, memory, pacing, options }: PurgeRunParts, cutoff: number) {
    const { budgetMs = DEFAULT_BUDGET_MS, signal, pacing: pace = 'gentle' } = options;
    this.#store = store;
    this.#events = events;
    this.#memory = memory;
    this.#signal = signal;
    this.#isFlatOut = pace === 'flat-out';
    this.#endsAt = performance.now() + budgetMs;
    const targetMs = this.#isFlatOut ? pacing.flatOutStatementMs : pacing.targetStatementMs;
    this.#batch = new AdaptiveSize(targetMs, pacing.maxBatchSize);
    this.#span = new AdaptiveSize(targetMs, pacing.maxSpan);
    this.#cutoff = cutoff;
    this.#tally = new PurgeTally(cutoff);
  }

  /** Goes on with a walk that an earlier run has begun; else begins by the index, which names where a walk would begin. */
  async purge(): Promise<PurgeReport> {
    const cutoff = this.#cutoff;
    if (!(await this.#walk())) return this.#tally.report(true);
    let watermark = this.#memory.watermarkAt(cutoff);
    let wereRowsPassedOver = false;
    let isChosen = false;
    let found = 0;
    let leftEndMs = 0;
    let lowestId = HIGHEST_ID;
    while (!this.#isAborted) {
      const {
        result: batch,
        size,
        elapsedMs,
      } = await this.#timed(this.#batch, (limit) =>
        this.#store.purgeBatch({ cutoff, watermark, limit }),
      );
      this.#tally.add('index', countPurged(batch.deleted), elapsedMs);
      this.#announce(batch.deleted);
      wereRowsPassedOver ||= batch.deleted.length < batch.selected;
      if (watermark === 0) leftEndMs = elapsedMs;
      watermark = batch.watermark;
      found += batch.deleted.length;
      this.#memory.reached(watermark);
      this.#memory.deleted(found, leftEndMs, cutoff);
      if (wereRowsPassedOver) this.#memory.forgetWatermark();
      if (batch.selected < size) return this.#tally.report(wereRowsPassedOver);
      // A full batch of rows that cannot be deleted would be selected again and again.
      if (batch.deleted.length === 0) return this.#tally.report(true);
      for (const { id } of batch.deleted) if (id < lowestId) lowestId = id;
      if (!(await this.#rest(elapsedMs))) return this.#tally.report(true);
      if (isChosen || found < BACKLOG_ROWS) continue;
      isChosen = true;
      if ((await this.#store.overdueShare(cutoff)) < WALK_SHARE) continue;
      this.#memory.walk = walkFrom(lowestId, cutoff);
      if (!(await this.#walk())) return this.#tally.report(true);
      watermark = this.#memory.watermarkAt(cutoff);
    }
    return this.#tally.report(true);
  }

  /** Goes on with the walk that there is. @returns whether none is left. */
  async #walk(): Promise<boolean> {
    const cutoff = this.#cutoff;
    for (let walk = this.#memory.walk; walk !== null; walk = this.#memory.walk) {
      if (this.#isAborted) return false;
      const { after, since } = walk;
      const isNaming = this.#events.isHeard('session:expired');
      const { result: range, elapsedMs } = await this.#timed(this.#span, (span) =>
        this.#store.purgeRange({ cutoff, after, span, isNaming }),
      );
      this.#tally.add('walk', range.counts, elapsedMs);
      this.#announce(range.sessions);
      this.#memory.walk = advanced(walk, range.through);
      if (this.#memory.walk === null) this.#memory.walked(since, cutoff);
      if (!(await this.#rest(elapsedMs))) return false;
    }
    return true;
  }

  /** Runs a statement at the size of the moment, from which it learns, and again where the store was not available. */
  async #timed<T>(
    size: AdaptiveSize,
    run: (rows: number) => Promise<T>,
  ): Promise<{ readonly result: T; readonly size: number; readonly elapsedMs: number }> {
    for (let attempt = 1; ; attempt += 1) {
      const { rows } = size;
      const startedAt = performance.now();
      try {
        const result = await run(rows);
        const elapsedMs = performance.now() - startedAt;
        size.learn(elapsedMs);
        return { result, size: rows, elapsedMs };
      } catch (error) {
        const isWorthwhile = attempt < MAX_ATTEMPTS && !this.#isAborted;
        if (!isWorthwhile || !isSessionError(error, 'SESSION_STORE_UNAVAILABLE')) throw error;
        size.halve();
        await pause(RETRY_PAUSE_MS, this.#signal);
      }
    }
  }

  /** Leaves time to others. @returns whether the budget allows another statement. */
  async #rest(elapsedMs: number): Promise<boolean> {
    const pauseMs = this.#isFlatOut ? 0 : pauseAfter(elapsedMs);
    if (performance.now() + pauseMs >= this.#endsAt) return false;
    // The statements of SQLite do not wait: without this a run would keep the process from everything else.
    if (pauseMs === 0) await setImmediate();
    else await pause(pauseMs, this.#signal);
    return true;
  }

  get #isAborted(): boolean {
    return this.#signal?.aborted === true;
  }

  #announce(deleted: readonly Pick<PurgedSession, 'id' | 'userId' | 'reason'>[]): void {
    for (const { id, userId, reason } of deleted) {
      if (reason === 'idle-expired' || reason === 'absolute-expired') {
        this.#events.emit('session:expired', { sessionId: id, userId, reason });
      }
    }
  }
}
