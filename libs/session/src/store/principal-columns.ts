import type { DataSource, EntityMetadata } from 'typeorm';

import { SessionError } from '../core/errors.js';
import { tableNames } from './session-tables.js';

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

/** The users' table, and its columns by what they mean, as they stand in SQL. */
export interface PrincipalColumns {
  readonly metadata: EntityMetadata;
  readonly path: string;
  readonly userId: string;
  readonly credentials: readonly string[];
  readonly disabled: string | undefined;
  readonly deletedAt: string | undefined;
}

/** @throws `SESSION_OPTIONS_INVALID` where the data source knows no such entity or property. */
export function principalColumns(
  dataSource: DataSource,
  { entity, userId, credentials, disabled }: PrincipalEntity,
): PrincipalColumns {
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
    if (name !== undefined) return name;
    throw new SessionError(
      'SESSION_OPTIONS_INVALID',
      `Expected \`principal\` to name properties of ${entity.name} that are columns, got "${property}".`,
    );
  };
  if (metadata.findColumnWithPropertyPath(userId)?.isSelect === false) {
    throw new SessionError(
      'SESSION_OPTIONS_INVALID',
      `Expected \`principal.userId\` to name a column that TypeORM loads, got "${userId}" of ${entity.name} with \`select: false\`.`,
    );
  }
  const deletedAt = metadata.deleteDateColumn?.propertyPath;
  return {
    metadata,
    path,
    userId: column(userId),
    credentials: credentials.map(column),
    disabled: disabled === undefined ? undefined : column(disabled),
    deletedAt: deletedAt === undefined ? undefined : column(deletedAt),
  };
}
