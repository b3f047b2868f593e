/** What a process can see of the queue without being a worker. */
export interface QueueState {
  /** Workers that are connected, in whatever process. */
  readonly workers: number;
  /** Time until the next purge is due, in milliseconds, below 0 once it is late; `null` where none is scheduled. */
  readonly purgeDueInMs: number | null;
  /** Redis's `maxmemory-policy`; `null` where nothing is evicted or nobody may ask. */
  readonly evictionPolicy: string | null;
}
