import { minutes } from '../core/duration.js';
import { LOWEST_ID } from '../core/session-id.js';

/** A row that was locked when its turn came is below the watermark, and waits until that is forgotten. */
const REMEMBERED_MS = minutes(10);

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
 * Rows that were deleted stay in the index until the database has cleaned up, which it cannot while an old snapshot is
 * open. A run that began at the left end would pass over all of them: a million took PostgreSQL 15 seven seconds.
 */
export class PurgeMemory {
  #watermark = 0;
  #sawAllAt = 0;
  /** A walk that was not finished. */
  walk: Walk | null = null;

  /** The `purge_at` at which the index is entered by a run at `cutoff`. Every so often that is its left end. */
  watermarkAt(cutoff: number): number {
    if (Math.abs(cutoff - this.#sawAllAt) <= REMEMBERED_MS) return this.#watermark;
    this.#sawAllAt = cutoff;
    this.#watermark = 0;
    return 0;
  }

  /** That no row with a lower `purge_at` is left, but for those that were locked. */
  reached(watermark: number): void {
    this.#watermark = watermark;
  }

  /** That a walk was finished at `cutoff`, so that what is left was not due at `since`. */
  walked(since: number, cutoff: number): void {
    this.#watermark = since;
    this.#sawAllAt = cutoff;
  }

  /** That rows were passed over: the next run begins at the left end. */
  forgetWatermark(): void {
    this.#sawAllAt = 0;
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
