import type { SessionCache } from '../core/session-cache.js';
import type { SessionChannel } from '../core/session-channel.js';
import type { SessionEvents } from '../core/session-events.js';

/**
 * Evicts what is no longer true: at once, before the caller goes on, for what this process did itself; as soon as a notice
 * comes for what others did. @returns a function that stops it.
 */
export function evictWhatChanges(
  cache: SessionCache,
  events: SessionEvents,
  channel: SessionChannel,
): () => void {
  const evict = ({ sessionId }: { readonly sessionId: string }): void =>
    cache.evictSession(sessionId);
  const subscriptions = [
    events.on('session:revoked', evict),
    events.on('session:rotated', evict),
    events.on('session:changed', evict),
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
