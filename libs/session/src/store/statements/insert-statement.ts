import type { Assignment } from '../dialect/dialect.js';
import type { SessionSql } from '../session-sql.js';
import { join, Parameter, sql, type Sql, type Statement } from '../sql.js';

/**
 * INSERT … SELECT of a session, with the epoch that it sees. With a condition no row is inserted unless it holds, so
 * that what a sign-in was proven with is checked in the statement that signs in.
 */
export function insertStatement(on: SessionSql, condition?: Sql): Statement {
  const values = valuesOf(on);
  const where = condition === undefined ? sql`` : sql`${on.dialect.fromNothing} where ${condition}`;
  return on.compile(sql`insert into ${on.sessions} (${values.map(([column]) => column).join(', ')})
    select ${join(
      values.map(([, value]) => value),
      ', ',
    )} ${where}`);
}

function valuesOf(on: SessionSql): readonly Assignment[] {
  const { column, now } = on;
  const text = (name: string) => new Parameter(name, 'text');
  const integer = (name: string) => new Parameter(name, 'integer');
  const absoluteEnd = sql`${now} + ${integer('absoluteTimeoutMs')}`;
  const idleExpiresAt = sql`${now} + ${integer('idleTimeoutMs')}`;
  const expiresAt = on.dialect.least(
    absoluteEnd,
    sql`coalesce(${integer('expiresAt')}, ${absoluteEnd})`,
  );
  return [
    [column.id, new Parameter('id', 'id')],
    [column.tokenHash, text('tokenHash')],
    [column.generation, integer('generation')],
    [column.userId, text('userId')],
    [column.epoch, on.requiredEpochOf(text('userId'))],
    [column.createdAt, now],
    [column.lastSeenAt, now],
    [column.authenticatedAt, sql`case when ${text('userId')} is null then null else ${now} end`],
    [column.aal, integer('aal')],
    [column.amr, text('amr')],
    [column.idleTimeoutMs, integer('idleTimeoutMs')],
    [column.idleExpiresAt, idleExpiresAt],
    [column.expiresAt, expiresAt],
    [column.purgeAt, on.purgeAt(on.earliestDeadline(idleExpiresAt, expiresAt))],
    [column.persistent, new Parameter('persistent', 'boolean')],
    [column.policy, text('policy')],
    [column.ip, text('ip')],
    [column.userAgent, text('userAgent')],
    [column.version, '0'],
    [column.data, new Parameter('data', 'json')],
  ];
}
