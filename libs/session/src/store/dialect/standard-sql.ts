import { join, sql, type Sql } from '../sql.js';
import type { Assignment, Upsert } from './dialect.js';

/** `column = value, …`, each column behind the prefix. */
export function assign(assignments: readonly Assignment[], prefix = ''): Sql {
  return join(
    assignments.map(([column, value]) => sql`${prefix}${column} = ${value}`),
    ', ',
  );
}

/** `(columns) values (values)` */
export function columnsAndValues(values: readonly Assignment[]): Sql {
  const columns = values.map(([column]) => column).join(', ');
  const row = values.map(([, value]) => value);
  return sql`(${columns}) values (${join(row, ', ')})`;
}

/** As PostgreSQL and SQLite say it. */
export function upsert({ table, key, values, onConflict }: Upsert): Sql {
  const changes = onConflict((column) => `p.${column}`);
  return sql`insert into ${table} as p ${columnsAndValues(values)}
    on conflict (${key}) do update set ${assign(changes)}`;
}
