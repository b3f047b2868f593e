import type { SessionSql } from '../session-sql.js';
import { join, Parameter, sql } from '../sql.js';
import { isDue } from './purge-statements.js';

/** At how many places the table is looked at, and how many rows are read at each. */
export const PROBES = 16;
const PROBE_ROWS = 64;

/** A sample of the table by its primary key, to estimate how much of it is due. */
export function overdueStatements(on: SessionSql) {
  const { column, dialect, sessions } = on;
  const end = (order: string) =>
    sql`(select ${column.id} from ${sessions} order by ${column.id} ${order} limit 1)`;
  const probes = Array.from({ length: PROBES }, (_, index) => {
    const some = sql`select ${column.id}, ${column.purgeAt} from ${sessions} ${dialect.byPrimaryKey}
      where ${column.id} >= ${new Parameter(`from${index}`, 'id')} order by ${column.id} limit ${PROBE_ROWS}`;
    return sql`select ${on.as(`${index}`, 'probe')}, ${on.as('count(*)', 'seen')},
      ${on.as(sql`sum(case when ${isDue(on)} then 1 else 0 end)`, 'due')},
      ${on.as(sql`max(${dialect.asText(column.id)})`, 'last')} from (${some}) t`;
  });
  return {
    /** The first and the last id. */
    ends: on.compile(sql`select ${on.as(end('asc'), 'first')}, ${on.as(end('desc'), 'last')}`),
    /** From each of some ids on: how many rows were seen, how many of them are due, and the last one's id. */
    probes: on.compile(join(probes, ' union all ')),
  };
}
