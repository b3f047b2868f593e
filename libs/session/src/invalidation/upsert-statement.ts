import type { TableNames } from '../store/session-tables.js';

/** From where a statement says what to write to the row that is there. */
const ON_CONFLICT = /\b(?:DO UPDATE SET|ON DUPLICATE KEY UPDATE)\b/;

/*
 * Subscribers are told of an upsert as of an insert, and on MySQL and SQLite not by the id of the row that it hits. Only
 * the statement, as TypeORM writes it, tells the two apart.
 */

/** Whether a statement is an upsert. Asked of every statement, so it is quick to say no. */
export function isUpsert(query: string): boolean {
  return query.includes('INTO ') && ON_CONFLICT.test(query);
}

/** Whether an upsert may write one of these properties to a row that is there. */
export function isUpsertOf(
  upsert: string,
  { path, columns }: TableNames,
  properties: readonly string[],
): boolean {
  const update = upsert.search(ON_CONFLICT);
  return (
    // Behind a comment or a WITH, perhaps, and on PostgreSQL under an alias.
    [`INTO ${path}(`, `INTO ${path} AS `].some((into) => upsert.includes(into)) &&
    properties.some((property) => upsert.includes(`${columns[property]} = `, update))
  );
}
