/** What one run of the purge may cost, and when it must stop. */
export interface PurgeOptions {
  /** Longest run in milliseconds; the rest is left to the next run. Default 20,000. */
  readonly budgetMs?: number;
  /** Stops the run between two batches. */
  readonly signal?: AbortSignal;
  /**
   * `gentle` works one tenth of the time and leaves the rest to others. `flat-out` makes no pauses: for maintenance while
   * few users are there, or for a backlog that must be gone. Its statements may take three times as long. Default `gentle`.
   */
  readonly pacing?: 'gentle' | 'flat-out';
}

/** What one run of the purge did. */
export interface PurgeReport {
  /** Rows deleted. */
  readonly deleted: number;
  /** The same by why the sessions had ended. */
  readonly byReason: Readonly<Record<string, number>>;
  /** Statements run. */
  readonly batches: number;
  readonly durationMs: number;
  readonly slowestStatementMs: number;
  /** Whether rows that are due were left: the budget ended, the run was stopped, or rows were locked. */
  readonly more: boolean;
  /** How long the most overdue row of this run had been waiting, in milliseconds; 0 where none was. */
  readonly oldestOverdueMs: number;
  /**
   * `index`: by the index on the expiry, as while few rows are due. `walk`: most of the run went through the table in the
   * order of ids, as a large share of it was due.
   */
  readonly strategy: 'index' | 'walk';
}

/** Deletes the rows of ended sessions once their retention is over, in bounded statements. */
export abstract class SessionPurge {
  /** Runs once. Safe beside live traffic and beside another run. Store down: rejects with `SESSION_STORE_UNAVAILABLE`. */
  abstract run(options?: PurgeOptions): Promise<PurgeReport>;
}
