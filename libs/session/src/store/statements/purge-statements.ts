import type { BulkWrite } from '../bulk-write.js';
import type { SessionSql } from '../session-sql.js';
import { Parameter, sql, type Sql } from '../sql.js';

const cutoff = new Parameter('cutoff', 'integer');
const watermark = new Parameter('watermark', 'integer');
const limit = new Parameter('limit', 'integer');
const ids = new Parameter('ids', 'ids');

/**
 * Deletes rows that are due, by the index on purge_at, from the watermark on: a scan from the left end of the index
 * would pass over all that earlier batches deleted.
 *
 * Without RETURNING it is not `delete … order by … limit`: that scans the index's deleted entries again each time. With
 * a long snapshot open, MariaDB 10.11 took 285 ms a batch so, and 18 ms by primary key.
 */
export function purgeStatement(on: SessionSql): BulkWrite {
  const { purgeAt } = on.column;
  return purgeOf(
    on,
    sql`${isDue(on)} and ${purgeAt} >= ${watermark} order by ${purgeAt} limit ${limit}`,
  );
}

/**
 * Deletes the rows that a condition, with its order, selects, passing over those that are locked.
 *
 * The statement that deletes says again what is due. Without that, a session extended between selection and deletion
 * is lost: PostgreSQL, having waited for its row, checks again only the outermost condition.
 */
export function purgeOf(on: SessionSql, which: Sql): BulkWrite {
  const { column, dialect, sessions } = on;
  const { rowAddress } = dialect;
  const address = rowAddress === null ? '' : sql`, ${on.as(rowAddress, 'address')}`;
  const due = sql`select ${on.as(column.id, 'id')}, ${on.as(column.purgeAt, 'purgeAt')}${address} from ${sessions}
    where ${which}`;
  const isChosen = dialect.isOneOf(column.id, ids);
  if (dialect.hasReturning) {
    // By its id as well: an address names a row in each partition.
    const isLocked =
      rowAddress === null
        ? sql`${column.id} in (select id from due)`
        : sql`(${column.id}, ${rowAddress}) in (select id, address from due)`;
    // Materialized, so that the limit holds whatever the plan.
    const atOnce = sql`with due as materialized (${due} ${dialect.lockRows})
      delete from ${sessions} where ${isLocked} and ${isDue(on)}
      returning ${purgedColumns(on)}`;
    return { atOnce: on.compile(atOnce) };
  }
  return {
    find: on.compile(due),
    lock: on.compile(sql`select ${purgedColumns(on)} from ${sessions} ${dialect.byPrimaryKey}
      where ${isChosen} and ${isDue(on)} order by ${column.id} ${dialect.lockRows}`),
    // Several tables' syntax with one table: the other takes no index hint.
    write: on.compile(sql`delete s from ${sessions} s ${dialect.byPrimaryKey}
      where ${isChosen} and ${isDue(on)}`),
  };
}

/** Whether a row's purge_at has passed. */
export function isDue({ column }: SessionSql): Sql {
  return sql`${column.purgeAt} <= ${cutoff}`;
}

/** Why the session of a row that is due had ended. */
export function purgeReason({ column }: SessionSql): Sql {
  return sql`case
    when ${column.revokedAt} is not null then coalesce(${column.revokeReason}, 'revoked')
    when ${column.idleExpiresAt} is null or ${column.expiresAt} <= ${column.idleExpiresAt} then 'absolute-expired'
    else 'idle-expired' end`;
}

/** What `purgedSessionOf` reads. */
export function purgedColumns(on: SessionSql): Sql {
  return sql`${on.endedColumns}, ${on.as(purgeReason(on), 'reason')}, ${on.as(on.column.purgeAt, 'purgeAt')}`;
}
