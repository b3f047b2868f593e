import type { BulkWrite } from '../bulk-write.js';
import type { SessionSql } from '../session-sql.js';
import { Parameter, sql, type Statement } from '../sql.js';
import { isDue, purgedColumns, purgeOf, purgeReason } from './purge-statements.js';

const after = new Parameter('after', 'id');
const through = new Parameter('through', 'id');
const skipped = new Parameter('skipped', 'integer');

/** Deletes what is due in a range of ids, or fails where a row is locked. */
export interface RangeDelete {
  /** Says what goes: with RETURNING it deletes it as well, without it locks it. */
  readonly report: Statement;
  readonly remove: Statement | null;
}

/** The statements of a purge in the order of ids. A range begins after `after` and ends with `through`. */
export interface WalkStatements {
  /** The id that ends a range of `skipped` + 1 rows. No row: there are fewer. */
  readonly through: Statement;
  /** Reports each session. */
  readonly naming: RangeDelete;
  /** Reports no more than what is counted: the rows by reason, or where that would cost a second read each row's reason. */
  readonly counting: RangeDelete & { readonly isGrouped: boolean };
  /**
   * Reports each session and passes over locked rows. Not the only way: to lock each row before it is deleted takes
   * PostgreSQL 15 twice as long as the deletion alone.
   */
  readonly passingOver: BulkWrite;
}

export function walkStatements(on: SessionSql): WalkStatements {
  const { column, dialect, sessions } = on;
  const isInRange = sql`${column.id} > ${after} and ${column.id} <= ${through}`;
  const isMeant = sql`${isInRange} and ${isDue(on)}`;
  const remove = sql`delete from ${sessions} where ${isMeant}`;
  const counts = (reason: string, purgeAt: string) =>
    sql`${on.as(reason, 'reason')}, ${on.as('count(*)', 'count')}, ${on.as(sql`min(${purgeAt})`, 'oldestPurgeAt')}`;
  const statements = {
    through:
      on.compile(sql`select ${on.as(column.id, 'id')} from ${sessions} ${dialect.byPrimaryKey}
      where ${column.id} > ${after} order by ${column.id} limit 1 offset ${skipped}`),
    passingOver: purgeOf(on, sql`${isMeant} order by ${column.id}`),
  };
  if (!dialect.hasDeleteReturning) {
    const lock = sql`from ${sessions} ${dialect.byPrimaryKey} where ${isMeant}`;
    const due = sql`select ${purgeReason(on)} as reason, ${column.purgeAt} as purge_at ${lock} ${dialect.lockRowsOrFail}`;
    return {
      ...statements,
      naming: {
        report: on.compile(sql`select ${purgedColumns(on)} ${lock} ${dialect.lockRowsOrFail}`),
        remove: on.compile(remove),
      },
      counting: {
        report: on.compile(
          sql`select ${counts('reason', 'purge_at')} from (${due}) t group by reason`,
        ),
        remove: on.compile(remove),
        isGrouped: true,
      },
    };
  }
  const naming = {
    report: on.compile(sql`${dialect.withoutWaiting} ${remove} returning ${purgedColumns(on)}`),
    remove: null,
  };
  if (!dialect.hasWritingCte) {
    const report = on.compile(
      sql`${dialect.withoutWaiting} ${remove} returning ${on.as(purgeReason(on), 'reason')}, ${on.as(column.purgeAt, 'purgeAt')}`,
    );
    return { ...statements, naming, counting: { report, remove: null, isGrouped: false } };
  }
  const gone = sql`${remove} returning ${purgeReason(on)} as reason, ${column.purgeAt} as purge_at`;
  const counting = sql`with gone as (${gone}) select ${counts('reason', 'purge_at')} from gone group by reason`;
  return {
    ...statements,
    naming,
    counting: { report: on.compile(counting), remove: null, isGrouped: true },
  };
}
