import type { EntityMetadata, ObjectLiteral, UpdateEvent } from 'typeorm';

/*
 * TypeORM loads a column with `select: false` for nobody who does not name it, not even to find out what a save() changes:
 * whatever value the entity has counts as another one.
 */

/** Loads what TypeORM left out of the stored entity, if a column among `properties` is said to change. */
export async function loadHidden(
  { metadata, manager, databaseEntity, updatedColumns }: UpdateEvent<ObjectLiteral>,
  properties: readonly string[],
): Promise<void> {
  const hidden = updatedColumns.filter(
    ({ isSelect, propertyPath }) => !isSelect && properties.includes(propertyPath),
  );
  if (hidden.length === 0 || databaseEntity === undefined) return;
  const columns = [...metadata.primaryColumns, ...hidden];
  const stored = await manager
    .createQueryBuilder<ObjectLiteral>(metadata.target, 'stored')
    .select(columns.map(({ propertyPath }) => `stored.${propertyPath}`))
    .whereInIds(metadata.getEntityIdMap(databaseEntity))
    .withDeleted()
    .getOne();
  for (const column of hidden) {
    column.setEntityValue(databaseEntity, column.getEntityValue(stored ?? {}));
  }
}

/** Whether a column that is said to change keeps its value, now that it was loaded. */
export function isUnchanged(
  column: EntityMetadata['columns'][number],
  databaseEntity: ObjectLiteral,
  entity: ObjectLiteral | undefined,
): boolean {
  return (
    !column.isSelect &&
    column.getEntityValue(databaseEntity) === column.getEntityValue(entity ?? {})
  );
}
