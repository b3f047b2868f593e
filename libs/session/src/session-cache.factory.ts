import { evictWhatChanges } from './cache/cache-evictions.js';
import { LocalSessionCache } from './cache/local-session-cache.js';
import type { SessionCache } from './core/session-cache.js';
import type { SessionChannel } from './core/session-channel.js';
import type { ResolvedSessionOptions } from './session.options-check.js';

/** The cache of a process; `null` without the option. */
export function createSessionCache(
  options: Pick<ResolvedSessionOptions, 'cache' | 'clock' | 'policies'>,
  channel: SessionChannel,
): SessionCache | null {
  const { cache: given, clock } = options;
  if (given === null) return null;
  const cache = new LocalSessionCache(
    given,
    channel,
    options,
    clock ? () => clock.now() : undefined,
  );
  evictWhatChanges(cache, channel);
  return cache;
}
