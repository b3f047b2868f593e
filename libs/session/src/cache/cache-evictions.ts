import type { SessionCache } from '../core/session-cache.js';
import type { SessionChannel } from '../core/session-channel.js';
import type { SessionEvents } from '../core/session-events.js';

/**
 * Evicts what has ended or changed: at once, before the caller goes on, where this process ended it; as soon as a notice
 * comes for what others did. A commit evicts its session itself. @returns a function that stops it.
 */
export function evictWhatChanges(
  cache: SessionCache,
  events: SessionEvents,
  channel: SessionChannel,
): () => void {
  const subscriptions = [
    events.on('session:revoked', ({ sessionId }) => cache.evictSession(sessionId)),
    events.on('principal:revoked', ({ userId }) => cache.evictUser(userId)),
    events.on('everyone:revoked', () => cache.clear()),
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
