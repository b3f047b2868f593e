import type { SessionChannel } from '../core/session-channel.js';
import type { SessionEvents } from '../core/session-events.js';

/** Publishes what this process has done to sessions, after its commit. @returns a function that stops it. */
export function publishNotices(events: SessionEvents, channel: SessionChannel): () => void {
  const subscriptions = [
    events.on('session:revoked', ({ sessionId, userId }) =>
      channel.publish({ kind: 'session', sessionId, userId }),
    ),
    events.on('session:rotated', ({ sessionId, userId }) =>
      channel.publish({ kind: 'session', sessionId, userId }),
    ),
    events.on('session:changed', ({ sessionId, userId }) =>
      channel.publish({ kind: 'session', sessionId, userId, isLive: true }),
    ),
    events.on('principal:revoked', ({ userId }) => channel.publish({ kind: 'principal', userId })),
    events.on('everyone:revoked', () => channel.publish({ kind: 'everyone' })),
  ];
  return () => {
    for (const stop of subscriptions) stop();
  };
}
