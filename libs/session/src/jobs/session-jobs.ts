import type { QueueState } from './queue-state.js';

/**
 * Has work on sessions done elsewhere than in the request that caused it. What runs is the recurring purge, and the sweep
 * of a user, or of all, whose sessions were ended together.
 *
 * Nothing that keeps a session ended depends on it: a request that is lost is made up for by the next purge.
 */
export abstract class SessionJobs {
  /**
   * Asks for the rows of a user's ended sessions to be marked and announced, with `*` those of everyone. Returns at once, throws nothing and promises
   * nothing: with the queue down or hung the request is dropped after a deadline, and logged.
   */
  abstract requestSweep(userId: string): void;

  /**
   * What is known of the queue; `null` where the driver has none. Not answered within a deadline: rejects with
   * `SESSION_QUEUE_UNAVAILABLE`, or with what the server's driver says.
   */
  async inspectQueue(): Promise<QueueState | null> {
    return null;
  }

  /**
   * Begins. Does not wait for a queue that is down.
   * @throws `SESSION_PEER_MISSING`
   */
  abstract start(): Promise<void>;

  /** Takes no more requests and stops what runs between two statements. Bounded in time; may be called twice. */
  abstract close(): Promise<void>;
}
