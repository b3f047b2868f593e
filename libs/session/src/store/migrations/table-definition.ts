import { Table, type DataSource, type EntityMetadata } from 'typeorm';

/** A column as one migration makes it, whatever later versions of the entity say. */
export interface ColumnDefinition {
  readonly property: string;
  readonly type: 'uuid' | 'varchar' | 'int' | 'smallint' | 'bigint' | 'boolean' | 'json';
  readonly length?: number;
  readonly isPrimary?: boolean;
  readonly isNullable?: boolean;
}

export interface TableDefinition {
  readonly columns: readonly ColumnDefinition[];
  /** Lists of properties. */
  readonly indexes?: readonly (readonly string[])[];
  readonly engine: string | undefined;
}

/** A table in the terms of a data source: names by its prefix, schema and naming strategy, types by its driver. */
export function defineTable(
  { driver, namingStrategy }: DataSource,
  metadata: EntityMetadata,
  { columns, indexes = [], engine }: TableDefinition,
): Table {
  const name = metadata.tablePath;
  const nameOf = (property: string): string =>
    metadata.findColumnWithPropertyName(property)?.databaseName ??
    namingStrategy.columnName(property, undefined, []);
  return new Table({
    name,
    ...(engine === undefined ? {} : { engine }),
    columns: columns.map(({ property, type, length, isPrimary = false, isNullable = false }) => ({
      name: nameOf(property),
      type: driver.normalizeType({ type }),
      ...(length === undefined ? {} : { length: String(length) }),
      isPrimary,
      isNullable,
    })),
    indices: indexes.map((properties) => ({
      name: namingStrategy.indexName(metadata.tableName, properties.map(nameOf)),
      columnNames: properties.map(nameOf),
    })),
  });
}
