import type { QueueState } from '../jobs/queue-state.js';

/** What can be wrong while sessions work as they should, and what it means. `docs/operations.md` says what to do. */
export const HEALTH_WARNINGS = {
  'queue-unreachable':
    'the queue does not answer; rows of ended sessions are marked and purged later',
  'no-worker': 'no worker is connected to the queue; rows of ended sessions stay',
  'purge-late': 'no worker takes the scheduled purge; rows of ended sessions stay',
  'purge-overdue': 'rows wait for the purge longer than they should; the table grows',
  'purge-unknown': 'the database did not say in time how overdue the purge is',
  'redis-evicts':
    'Redis may evict the queue when its memory is full; set maxmemory-policy noeviction',
  'channel-silent': 'nothing is heard of other processes; what is open closes later',
} as const;

export type SessionHealthWarning = keyof typeof HEALTH_WARNINGS;

/** How late the purge may be, in milliseconds. */
export interface PurgeLimits {
  /** Of the run that is scheduled. */
  readonly lateMs: number;
  /** Of the row that has waited longest. */
  readonly overdueMs: number;
}

/**
 * A run is late when two intervals and a whole run have passed it. A row is overdue when the next bucket has become due
 * and a late run would have deleted it: the purge does not keep up, or does not run.
 */
export function purgeLimits(options: {
  readonly purge: { readonly everyMs: number; readonly budgetMs: number };
  readonly purgeBucketMs: number;
}): PurgeLimits {
  const lateMs = 2 * options.purge.everyMs + options.purge.budgetMs;
  return { lateMs, overdueMs: options.purgeBucketMs + lateMs };
}

/** @param queue `null` where the driver has none. */
export function queueWarnings(
  queue: QueueState | null,
  { lateMs }: PurgeLimits,
): SessionHealthWarning[] {
  if (queue === null) return [];
  const { workers, purgeDueInMs, evictionPolicy } = queue;
  const warnings: SessionHealthWarning[] = [];
  if (workers === 0) warnings.push('no-worker');
  if (purgeDueInMs === null || purgeDueInMs < -lateMs) warnings.push('purge-late');
  if (evictionPolicy !== null && evictionPolicy !== 'noeviction') warnings.push('redis-evicts');
  return warnings;
}
