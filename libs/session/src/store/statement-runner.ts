import type { Clock } from '../core/clock.js';
import type { Dialect } from './dialect/dialect.js';
import type { OutageWatch } from './outage-watch.js';
import type { Row } from './session-row.js';
import type { Statement } from './sql.js';

/** What a statement binds, by parameter. */
export type Values = Readonly<Record<string, unknown>>;

export interface StatementResult {
  readonly rows: readonly Row[];
  /** Rows written; rows returned where there is RETURNING. */
  readonly affected: number;
}

/** What every runner of a store goes by. */
export interface RunnerSettings {
  readonly dialect: Dialect;
  /** Binds the parameter `now`; `null` where statements ask the database. */
  readonly clock: Clock | null;
  /** Longest statement, in milliseconds. */
  readonly timeoutMs: number;
  readonly outage: OutageWatch;
}

/** Runs statements under a deadline. Rejects with `SessionError`s only, and with what the work of a transaction throws. */
export interface StatementRunner {
  /** `timeoutMs` is the store's own unless given. */
  run(statement: Statement, values: Values, timeoutMs?: number): Promise<StatementResult>;
  /** Runs `work` in one transaction: in the surrounding one where there is one. */
  transaction<T>(work: (runner: StatementRunner) => Promise<T>, timeoutMs?: number): Promise<T>;
  /** Calls back after the commit of the surrounding transaction, or now where there is none. */
  afterCommit(callback: () => void): void;
}
