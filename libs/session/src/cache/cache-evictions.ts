import type { SessionCache } from '../core/session-cache.js';
import type { SessionChannel } from '../core/session-channel.js';

/**
 * Evicts what has ended or changed: at once, before the caller goes on, where this process did it, as its own notices come
 * at once; as soon as a notice comes for what others did. A commit evicts its session itself. @returns a function that
 * stops it.
 */
export function evictWhatChanges(cache: SessionCache, channel: SessionChannel): () => void {
  const subscriptions = [
    channel.onGap(() => cache.clear()),
    channel.subscribe((notice) => {
      if (notice.kind === 'session') cache.evictSession(notice.sessionId);
      else if (notice.kind === 'principal') cache.evictUser(notice.userId);
      else cache.clear();
    }),
  ];
  return () => {
    for (const stop of subscriptions) stop();
  };
}
