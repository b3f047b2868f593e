import type { DataSource } from 'typeorm';

import type { Dialect } from './dialect/dialect.js';
import { principalColumns, type PrincipalEntity } from './principal-columns.js';
import { join, Parameter, sql, type Sql } from './sql.js';

/**
 * The condition that the user of parameter `provenUserId` is there, may sign in, and still has the credential of parameter
 * `credential`.
 * @throws `SESSION_OPTIONS_INVALID` where the data source knows no such entity or property.
 */
export function credentialCondition(
  dataSource: DataSource,
  dialect: Dialect,
  principal: PrincipalEntity,
): Sql {
  const { path, userId, credentials, disabled, deletedAt } = principalColumns(
    dataSource,
    principal,
  );
  const conditions = [
    // The first finds the row by its index. The second refuses another spelling of the same id, such as "07" for 7:
    // its sessions would have a principal of their own, which nobody ends.
    sql`u.${userId} = ${new Parameter('provenUserId', 'raw')}`,
    dialect.sameText(`u.${userId}`, new Parameter('provenUserId', 'text')),
    ...credentials
      .slice(0, 1)
      .map((column) => dialect.sameText(`u.${column}`, new Parameter('credential', 'text'))),
  ];
  if (disabled !== undefined) {
    conditions.push(sql`not ${isDisabled(dialect, `u.${disabled}`)}`);
  }
  if (deletedAt !== undefined) conditions.push(sql`u.${deletedAt} is null`);
  return sql`exists (select 1 from ${path} u where ${join(conditions, ' and ')})`;
}

/** Whether the column that says so forbids the user to sign in: it is neither null nor false. */
export function isDisabled(dialect: Dialect, column: string): Sql {
  return sql`(coalesce(${dialect.asText(column)}, '0') not in ('0', 'false'))`;
}
