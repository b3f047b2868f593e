import type { ResolvedChannelOptions } from './channel.options-check.js';
import { seconds } from './core/duration.js';
import type { OptionsReader } from './options-reader.js';

/** A session that ended elsewhere is accepted for no longer than this, in milliseconds. */
const MAX_TTL_MS = seconds(3);

const DEFAULT_MAX_ENTRIES = 10_000;

export interface ResolvedCacheOptions {
  readonly maxEntries: number;
  readonly ttlMs: number;
}

/** The option `cache`; `null` where it is not given. Its problems go to `read`. */
export function cacheOf(
  read: OptionsReader,
  channel: ResolvedChannelOptions,
): ResolvedCacheOptions | null {
  if (!read.has('cache')) return null;
  if (channel.driver === 'none') {
    read.problem(
      'Expected `channel` beside `cache`, got none: without one, a process keeps sessions that another has ended. Set `channel`, or `jobs.driver: "bullmq"` whose server it then uses, or leave `cache` out',
    );
  }
  return {
    maxEntries: read.integer('cache.maxEntries', DEFAULT_MAX_ENTRIES, { min: 1, max: 1_000_000 }),
    ttlMs: read.integer('cache.ttlMs', MAX_TTL_MS, { min: 1, max: MAX_TTL_MS }),
  };
}
