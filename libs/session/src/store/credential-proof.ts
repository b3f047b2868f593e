import type { DataSource } from 'typeorm';

import { SessionError } from '../core/errors.js';
import type { Dialect } from './dialect/dialect.js';
import { tableNames } from './session-tables.js';
import { join, Parameter, sql, type Sql } from './sql.js';

/** The part of the `principal` option that the store reads. */
export interface PrincipalEntity {
  readonly entity: Function;
  /** The property that user ids are, as text. */
  readonly userId: string;
  /** The first is what a sign-in is proven with. */
  readonly credentials: readonly string[];
  /** Null or false while the user may sign in. */
  readonly disabled?: string | undefined;
}

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
  const { entity, userId, credentials, disabled } = principal;
  if (!dataSource.hasMetadata(entity)) {
    throw new SessionError(
      'SESSION_OPTIONS_INVALID',
      `Expected \`principal.entity\` to be an entity of the data source, got ${entity.name}, which it does not know.`,
    );
  }
  const metadata = dataSource.getMetadata(entity);
  const { path, columns } = tableNames(dataSource, metadata);
  const column = (property: string): string => {
    const name = columns[property];
    if (name !== undefined) return `u.${name}`;
    throw new SessionError(
      'SESSION_OPTIONS_INVALID',
      `Expected \`principal\` to name properties of ${entity.name} that are columns, got "${property}".`,
    );
  };
  const conditions = [
    // The first finds the row by its index. The second refuses another spelling of the same id, such as "07" for 7:
    // its sessions would have a principal of their own, which nobody ends.
    sql`${column(userId)} = ${new Parameter('provenUserId', 'raw')}`,
    dialect.sameText(column(userId), new Parameter('provenUserId', 'text')),
    ...credentials
      .slice(0, 1)
      .map((property) => dialect.sameText(column(property), new Parameter('credential', 'text'))),
  ];
  if (disabled !== undefined) {
    conditions.push(sql`coalesce(${dialect.asText(column(disabled))}, '0') in ('0', 'false')`);
  }
  if (metadata.deleteDateColumn !== undefined) {
    conditions.push(sql`${column(metadata.deleteDateColumn.propertyPath)} is null`);
  }
  return sql`exists (select 1 from ${path} u where ${join(conditions, ' and ')})`;
}
