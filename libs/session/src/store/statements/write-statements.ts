import type { SessionSql } from '../session-sql.js';
import { Parameter, sql, type Sql, type Statement } from '../sql.js';

const byId = (on: SessionSql) => sql`${on.s('id')} = ${new Parameter('id', 'id')}`;

/** Conditional writes of sessions that are there. None can bring one back. */
export function writeStatements(on: SessionSql) {
  const { column, now, dialect } = on;
  const returning = dialect.hasReturning ? sql`returning ${on.endedColumns}` : sql``;
  const revoke = (condition: Sql) =>
    on.compile(sql`${on.updateByKey} ${column.revokedAt} = ${now},
      ${column.revokeReason} = ${new Parameter('reason', 'text')}, ${column.purgeAt} = ${on.purgeAt(now)}
      where ${byId(on)} and ${on.isLive()} ${condition} ${returning}`);
  return {
    touch: touchStatement(
      on,
      dialect.locksWhatUpdatesRead
        ? on.isNeitherRevokedNorExpired(on.nowOnce)
        : on.isLive(on.nowOnce),
    ),
    /** Which of some sessions are live: asked before a touch where the touch itself must not read epochs. */
    touchable: on.compile(sql`select ${on.as(on.s('id'), 'id')} from ${on.sessions} s
      where ${dialect.isOneOf(on.s('id'), new Parameter('ids', 'ids'))} and ${on.isLive()}`),
    revoke: revoke(sql``),
    revokeOfUser: revoke(sql`and ${on.s('userId')} = ${new Parameter('userId', 'text')}`),
    /** Whose a session is: read after its revocation where that cannot return it. */
    owner: on.compile(sql`select ${on.endedColumns} from ${on.sessions} s where ${byId(on)}`),
  };
}

/** The latest activity of many sessions. `rows` is a JSON array: id, age and idle timeout in milliseconds, ip, agent. */
function touchStatement(on: SessionSql, isTouchable: Sql): Statement {
  const { column, dialect } = on;
  const seenAt = sql`(${on.nowOnce} - t.age)`;
  const own = on.s('idleTimeoutMs');
  const idle = dialect.least(sql`coalesce(t.idle, ${own})`, sql`coalesce(${own}, t.idle)`);
  const idleExpiresAt = sql`${seenAt} + ${idle}`;
  const endsAt = on.earliestDeadline(idleExpiresAt, sql`${on.s('expiresAt')}`);
  return on.compile(
    dialect.updateFrom({
      target: on.sessions,
      key: column.id,
      rows: dialect.rowsOf(new Parameter('rows', 'json'), {
        id: 'id',
        age: 'integer',
        idle: 'integer',
        ip: 'text',
        agent: 'text',
      }),
      assignments: [
        [column.lastSeenAt, seenAt],
        [column.idleExpiresAt, idleExpiresAt],
        [column.purgeAt, dialect.greatest(sql`${on.s('purgeAt')}`, on.purgeAt(endsAt))],
        [column.ip, sql`coalesce(t.ip, ${on.s('ip')})`],
        [column.userAgent, sql`coalesce(t.agent, ${on.s('userAgent')})`],
      ],
      where: sql`${isTouchable} and ${on.s('lastSeenAt')} < ${seenAt}`,
    }),
  );
}
