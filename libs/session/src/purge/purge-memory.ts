import { minutes, seconds } from '../core/duration.js';
import { LOWEST_ID } from '../core/session-id.js';

/** For how long no run begins at the left end of the index again, where that is far. */
const REMEMBERED_MS = minutes(10);

/** At seven seconds a million, as below, fewer rows that were deleted cost the left end less than a tenth of a second. */
const MANY_ROWS = 10_000;
const SLOW_MS = seconds(1);

/** A way through the table in the order of ids: from where what is due began to the end, and then what is before. */
export interface Walk {
  /** When what it deletes was due, in epoch milliseconds. */
  readonly since: number;
  readonly start: string;
  /** The last id that it has passed. */
  readonly after: string;
  /** Whether the end of the table was reached. */
  readonly isPastEnd: boolean;
}

/**
 * What a process remembers from one run of the purge to the next. To lose it costs time and nothing else.
 *
 * A run begins at the left end of the index, and so finds what an earlier one passed over because it was locked. But rows
 * that were deleted stay in the index until the database has cleaned up, which it cannot while an old snapshot is open: a
 * million took PostgreSQL 15 seven seconds. So after many deletions, and where the left end was slow, runs begin where the
 * last one came to.
 */
export class PurgeMemory {
  #watermark = 0;
  #rememberedAt = 0;
  /** A walk that was not finished. */
  walk: Walk | null = null;

  /** The `purge_at` at which the index is entered by a run at `cutoff`; 0 is its left end. */
  watermarkAt(cutoff: number): number {
    return this.#isRememberedAt(cutoff) ? this.#watermark : 0;
  }

  /** That no row with a lower `purge_at` is left, but for those that were locked. */
  reached(watermark: number): void {
    this.#watermark = watermark;
  }

  /** That a run at `cutoff` has deleted so many rows, and that its first statement took `leftEndMs` at the left end. */
  deleted(rows: number, leftEndMs: number, cutoff: number): void {
    if (rows < MANY_ROWS && leftEndMs < SLOW_MS) return;
    if (!this.#isRememberedAt(cutoff)) this.#rememberedAt = cutoff;
  }

  /** That a walk was finished at `cutoff`, so that what is left was not due at `since`. */
  walked(since: number, cutoff: number): void {
    this.#watermark = since;
    this.#rememberedAt = cutoff;
  }

  /** That rows were passed over: the next run begins at the left end. */
  forgetWatermark(): void {
    this.#rememberedAt = 0;
  }

  #isRememberedAt(cutoff: number): boolean {
    return Math.abs(cutoff - this.#rememberedAt) <= REMEMBERED_MS;
  }
}

/** A walk that begins after `start`. */
export function walkFrom(start: string, since: number): Walk {
  return { since, start, after: start, isPastEnd: false };
}

/** The walk after a range through the id `through`, `null` at the end of the table. @returns `null` where it is done */
export function advanced(walk: Walk, through: string | null): Walk | null {
  if (walk.isPastEnd) {
    return through === null || through >= walk.start ? null : { ...walk, after: through };
  }
  return through === null
    ? { ...walk, after: LOWEST_ID, isPastEnd: true }
    : { ...walk, after: through };
}
