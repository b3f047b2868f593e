import type { DataSource, EntityMetadata } from 'typeorm';

import { SessionError } from '../core/errors.js';
import { SessionPrincipalEntity } from './session-principal.entity.js';
import { SessionEntity } from './session.entity.js';

/** A table and its columns as they stand in SQL: escaped, with prefix, schema and naming strategy applied. */
export interface TableNames<Property extends string = string> {
  readonly path: string;
  readonly columns: Readonly<Record<Property, string>>;
}

/** The metadata of an entity of ours. @throws `SESSION_OPTIONS_INVALID` where the data source does not know it. */
export function sessionMetadata(
  dataSource: DataSource,
  entity: typeof SessionEntity | typeof SessionPrincipalEntity,
): EntityMetadata {
  if (dataSource.hasMetadata(entity)) return dataSource.getMetadata(entity);
  throw new SessionError(
    'SESSION_OPTIONS_INVALID',
    `Expected the data source to know ${entity.name}, got one that does not. Add SessionEntity and SessionPrincipalEntity to its \`entities\`, or set \`autoLoadEntities: true\` in TypeOrmModule.forRoot.`,
  );
}

export function sessionTable(dataSource: DataSource): TableNames<keyof SessionEntity> {
  return tableNames(dataSource, sessionMetadata(dataSource, SessionEntity));
}

export function principalTable(dataSource: DataSource): TableNames<keyof SessionPrincipalEntity> {
  return tableNames(dataSource, sessionMetadata(dataSource, SessionPrincipalEntity));
}

/** The names of any entity's table, its columns by property. */
export function tableNames<Property extends string>(
  { driver }: DataSource,
  metadata: EntityMetadata,
): TableNames<Property> {
  return {
    path: metadata.tablePath
      .split('.')
      .map((part) => driver.escape(part))
      .join('.'),
    columns: Object.fromEntries(
      metadata.columns.map((column) => [column.propertyPath, driver.escape(column.databaseName)]),
    ) as Record<Property, string>,
  };
}
