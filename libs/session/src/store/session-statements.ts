import type { BulkWrite } from './bulk-write.js';
import type { SessionSql } from './session-sql.js';
import { sql, type Sql, type Statement } from './sql.js';
import { epochStatements } from './statements/epoch-statements.js';
import { insertStatement } from './statements/insert-statement.js';
import { lookupStatements } from './statements/lookup-statements.js';
import { overdueStatements } from './statements/overdue-statements.js';
import { purgeStatement } from './statements/purge-statements.js';
import { walkStatements, type WalkStatements } from './statements/walk-statements.js';
import { writeStatements } from './statements/write-statements.js';

/** Every statement of the store but the UPDATE, whose text depends on the change. Built once from the metadata. */
export interface SessionStatements {
  readonly insert: Statement;
  /** `null` without a principal entity. */
  readonly insertProven: Statement | null;
  readonly lookup: ReturnType<typeof lookupStatements>;
  readonly write: ReturnType<typeof writeStatements>;
  readonly epoch: ReturnType<typeof epochStatements>;
  readonly purge: BulkWrite;
  readonly walk: WalkStatements;
  readonly overdue: ReturnType<typeof overdueStatements>;
  /** Bounds the purge, in its transaction; `null` for none. */
  readonly limitPurge: Statement | null;
  /** Takes that back, at the end of the transaction; `null` for nothing to take back. */
  readonly unlimitPurge: Statement | null;
}

export function sessionStatements(on: SessionSql, proof: Sql | null): SessionStatements {
  const { limitPurge, unlimitPurge } = on.dialect;
  return {
    insert: insertStatement(on),
    insertProven: proof && insertStatement(on, proof),
    lookup: lookupStatements(on),
    write: writeStatements(on),
    epoch: epochStatements(on),
    purge: purgeStatement(on),
    walk: walkStatements(on),
    overdue: overdueStatements(on),
    limitPurge: limitPurge === null ? null : on.compile(sql`${limitPurge}`),
    unlimitPurge: unlimitPurge === null ? null : on.compile(sql`${unlimitPurge}`),
  };
}
