/** Takes jobs from a queue and does them, for as long as the process lives. */
export abstract class SessionWorker {
  /**
   * Begins. Does not wait for a queue that is down: it connects as soon as that is back.
   * @throws `SESSION_PEER_MISSING`
   */
  abstract start(): Promise<void>;

  /** Takes no more jobs, stops what runs between two statements and disconnects. Bounded in time; may be called twice. */
  abstract close(): Promise<void>;
}
