import { EVERYONE } from '../../core/user-id.js';
import type { SessionSql } from '../session-sql.js';
import { Parameter, sql } from '../sql.js';

/** Statements that only read. */
export function lookupStatements(on: SessionSql) {
  const { principal: p } = on;
  const latestReason = sql`case when p.${p.epoch} > 0 and p.${p.updatedAt} >= coalesce(e.${p.updatedAt}, 0)
    then p.${p.reason} else e.${p.reason} end`;
  return {
    now: on.compile(sql`select ${on.as(on.now, 'now')}`),

    /** Sessions by primary key, dead or alive, each with what its principals require. */
    find: on.compile(sql`select ${on.sessionColumns},
      ${on.as(on.s('tokenHash'), 'tokenHash')},
      ${on.as(on.dialect.jsonText(on.s('data')), 'data')},
      ${on.as(sql`coalesce(p.${p.epoch}, 0) + coalesce(e.${p.epoch}, 0)`, 'requiredEpoch')},
      ${on.as(latestReason, 'epochReason')},
      ${on.as(on.now, 'now')}
      from ${on.sessions} s
      left join ${on.principals} p on p.${p.userId} = ${on.s('userId')}
      left join ${on.principals} e on e.${p.userId} = '${EVERYONE}'
      where ${on.dialect.isOneOf(on.s('id'), new Parameter('ids', 'ids'))}`),

    /** A page of a user's live sessions, by the index on (user_id, id). */
    list: on.compile(sql`select ${on.sessionColumns} from ${on.sessions} s
      where ${on.s('userId')} = ${new Parameter('userId', 'text')}
      and ${on.s('id')} > ${new Parameter('after', 'id')} and ${on.isLive()}
      order by ${on.s('id')} limit ${new Parameter('limit', 'integer')}`),

    /** Counts the whole table. */
    statistics: on.compile(sql`select ${on.as('count(*)', 'sessions')},
      ${on.as(sql`sum(case when ${on.s('purgeAt')} <= ${on.now} then 1 else 0 end)`, 'overdue')},
      ${on.as(sql`${on.now} - min(${on.s('purgeAt')})`, 'oldestOverdueMs')}
      from ${on.sessions} s`),

    /** The first entry of the index on purge_at. */
    oldestOverdue:
      on.compile(sql`select ${on.as(sql`${on.now} - ${on.s('purgeAt')}`, 'oldestOverdueMs')}
      from ${on.sessions} s order by ${on.s('purgeAt')} limit 1`),
  };
}
