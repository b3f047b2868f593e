import type { BulkWrite } from '../bulk-write.js';
import type { SessionSql } from '../session-sql.js';
import { Parameter, sql, type Sql, type Statement } from '../sql.js';

const userId = new Parameter('userId', 'text');
const after = new Parameter('after', 'id');
const limit = new Parameter('limit', 'integer');
const ids = new Parameter('ids', 'ids');

export interface SweepStatements {
  /** Marks rows that an epoch has ended, in the order of their ids, after the one where the last call left off. */
  readonly mark: BulkWrite | MarkInSteps;
  /** Whether there is any such row. */
  readonly isAnyLeft: Statement;
}

/**
 * Where all share one connection. Sessions are announced before they are marked, and what a listener then writes must not
 * become part of a transaction of ours.
 */
export interface MarkInSteps {
  readonly find: Statement;
  readonly markFound: Statement;
}

/** Of one user, by the index on (user_id, id). */
export function sweepUserStatements(on: SessionSql): SweepStatements {
  return sweepStatements(on, sql`${on.s('userId')} = ${userId}`);
}

/** Of everyone, by primary key. */
export function sweepEveryoneStatements(on: SessionSql): SweepStatements {
  return sweepStatements(on, sql`1 = 1`);
}

/** What expired before anybody looked ended by itself: it is not marked. */
function sweepStatements(on: SessionSql, whose: Sql): SweepStatements {
  const { column, dialect, now, sessions } = on;
  const id = on.s('id');
  const isEnded = sql`${whose} and ${on.isNeitherRevokedNorExpired()}
    and ${on.s('epoch')} < ${on.requiredEpoch}`;
  const ended = sql`select ${on.as(id, 'id')}, ${on.as(on.s('userId'), 'userId')} from ${sessions} s
    where ${isEnded} and ${id} > ${after} order by ${id} limit ${limit}`;
  const update = sql`update ${sessions} ${dialect.byPrimaryKey} set ${column.revokedAt} = ${now},
    ${column.revokeReason} = ${new Parameter('reason', 'text')}, ${column.purgeAt} = ${on.purgeAt(now)}`;
  const isUnmarked = `${column.revokedAt} is null`;
  const isChosen = dialect.isOneOf(column.id, ids);
  const isAnyLeft = on.compile(sql`select 1 from ${sessions} s where ${isEnded} limit 1`);
  if (dialect.hasOneConnection) {
    const markFound = on.compile(sql`${update} where ${isChosen} and ${isUnmarked}`);
    return { isAnyLeft, mark: { find: on.compile(ended), markFound } };
  }
  if (dialect.hasReturning) {
    const atOnce = sql`with ended as materialized (${ended} ${dialect.lockRows})
      ${update} where ${column.id} in (select id from ended) and ${isUnmarked} returning ${on.endedColumns}`;
    return { isAnyLeft, mark: { atOnce: on.compile(atOnce) } };
  }
  return {
    isAnyLeft,
    mark: {
      find: on.compile(ended),
      lock: on.compile(sql`select ${on.endedColumns} from ${sessions} ${dialect.byPrimaryKey}
        where ${isChosen} and ${isUnmarked} order by ${column.id} ${dialect.lockRows}`),
      write: on.compile(sql`${update} where ${isChosen}`),
    },
  };
}
