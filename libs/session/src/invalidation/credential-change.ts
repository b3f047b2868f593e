import type { EntityMetadata, ObjectLiteral } from 'typeorm';

import type { RevokeReason } from '../core/session.js';

/** The part of the `principal` option that the subscriber reads. */
export interface WatchedPrincipal {
  readonly entity: Function;
  readonly userId: string;
  readonly credentials: readonly string[];
  readonly disabled?: string;
  /** Whether a trigger of the database sees what TypeORM does not show. */
  readonly trigger?: boolean;
}

/** What a write to a user's row means for their sessions. */
export interface CredentialChange {
  readonly reason: RevokeReason;
  /** Whose session asked for it may go on, or not even theirs. */
  readonly ends: 'others' | 'all';
}

/** The properties whose change may end sessions, but for the user's id, which an upsert may well repeat. */
export function watchedProperties(
  { credentials, disabled }: WatchedPrincipal,
  { deleteDateColumn }: EntityMetadata,
): readonly string[] {
  const endings = [deleteDateColumn?.propertyPath, disabled].filter((name) => name !== undefined);
  return [...credentials, ...endings];
}

/**
 * What it means that `written` get the values of `entity`: a user who has another id now is not there any more under the
 * one that sessions know. `undefined` where it means nothing.
 */
export function changeOf(
  { userId, credentials, disabled }: WatchedPrincipal,
  metadata: EntityMetadata,
  written: readonly string[],
  entity: ObjectLiteral | undefined,
): CredentialChange | undefined {
  const deletedAt = metadata.deleteDateColumn?.propertyPath;
  const becomesSet = (property: string | undefined): boolean =>
    property !== undefined &&
    written.includes(property) &&
    isSet(valueOf(metadata, property, entity));
  if (becomesSet(deletedAt) || written.includes(userId)) {
    return { reason: 'user-deleted', ends: 'all' };
  }
  if (becomesSet(disabled)) return { reason: 'user-disabled', ends: 'all' };
  return credentials.some((property) => written.includes(property))
    ? { reason: 'password-changed', ends: 'others' }
    : undefined;
}

/** The properties that an entity, or part of one, has values for; those of embedded entities by their path. */
export function propertiesOf(
  metadata: EntityMetadata,
  entity: ObjectLiteral | undefined,
): readonly string[] {
  return metadata.columns
    .filter((column) => column.getEntityValue(entity ?? {}) !== undefined)
    .map(({ propertyPath }) => propertyPath);
}

/** The value of a property, or of one of an embedded entity, by its path. */
export function valueOf(
  metadata: EntityMetadata,
  property: string,
  entity: ObjectLiteral | undefined,
): unknown {
  return metadata.findColumnWithPropertyPath(property)?.getEntityValue(entity ?? {});
}

function isSet(value: unknown): boolean {
  return value !== undefined && value !== null && value !== false && value !== 0;
}
