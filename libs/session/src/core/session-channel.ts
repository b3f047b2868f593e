/**
 * What one process tells the others: look again. A hint, never a proof: whoever acts on it asks the store, so that a lost,
 * late, doubled or forged notice can end nothing and revive nothing. Holds ids only.
 */
export type SessionNotice =
  /** A session was ended, rotated or changed. */
  | {
      readonly kind: 'session';
      readonly sessionId: string;
      /** Whose it is, where that is known: many notices about one user may be sent as one. */
      readonly userId?: string | null;
      /** Set where the session goes on under the same token: only what is kept of it is out of date. */
      readonly isLive?: true;
    }
  /** Sessions of a user were ended together. */
  | { readonly kind: 'principal'; readonly userId: string }
  /** All sessions were ended. */
  | { readonly kind: 'everyone' };

/**
 * Carries notices between the processes of a deployment, in no promised order. One that is lost on the way is covered by a
 * gap; one may come twice.
 */
export abstract class SessionChannel {
  /**
   * Until when, by `performance.now()`, every notice of before is sure to have arrived here. In the past where the channel
   * is silent, lost or only beginning: until it moves again, nothing that was kept in memory may be trusted.
   */
  abstract get leaseExpiresAt(): number;

  /** Messages that were none of this deployment's, or of another version, and were ignored. */
  get ignoredMessageCount(): number {
    return 0;
  }

  /** Tells this process at once and the others as soon as possible. Waits for nothing, throws nothing. */
  abstract publish(notice: SessionNotice): void;

  /** Calls `listener` for each notice, those of this process included. @returns a function that stops it. */
  abstract subscribe(listener: (notice: SessionNotice) => void): () => void;

  /** Calls `listener` when notices may have been missed: all that is kept must be looked up anew. @returns as `subscribe`. */
  abstract onGap(listener: () => void): () => void;

  /**
   * Begins to listen to other processes. Does not wait for a server that is down.
   * @throws `SESSION_PEER_MISSING`
   */
  async start(): Promise<void> {
    // Nothing to begin where there is only this process.
  }

  /** Sends what is left and disconnects. Bounded in time; may be called twice. */
  async close(): Promise<void> {
    // Nothing was begun.
  }
}
