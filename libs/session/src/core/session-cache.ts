import type { ActiveSession } from './session-resolution.js';

/** When a read of the store began: by the cache's clock, and in the order of its evictions. */
export interface CacheRead {
  readonly at: number;
  readonly position: number;
}

/**
 * Live sessions that were read a moment ago, in the memory of this process. What is in here may have ended elsewhere: it is
 * kept for a bounded time only, and only while this process hears of changes.
 */
export abstract class SessionCache {
  /** The session that this very token opened a moment ago, with the store's clock moved on; `undefined`: ask the store. */
  abstract get(presented: string): ActiveSession | undefined;

  /** To be called before the store is read. */
  abstract beginRead(): CacheRead;

  /** Keeps what a read has found, unless something was evicted since the read began that concerns it. */
  abstract fill(began: CacheRead, presented: string, found: ActiveSession): void;

  /** Notes that a session was seen now, so that it is not touched again. */
  abstract touched(sessionId: string): void;

  /** Forgets a session. What is being read of it is not kept. */
  abstract evictSession(sessionId: string): void;

  /** Forgets all sessions of a user. What is being read of them is not kept. */
  abstract evictUser(userId: string): void;

  /** Forgets everything. What is being read is not kept. */
  abstract clear(): void;
}
