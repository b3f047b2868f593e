import type {
  BeforeQueryEvent,
  EntityManager,
  EntityMetadata,
  EntitySubscriberInterface,
  ObjectLiteral,
  QueryRunner,
  RemoveEvent,
  SoftRemoveEvent,
  UpdateEvent,
} from 'typeorm';

import { SessionError } from '../core/errors.js';
import { isKeepingSessions } from '../core/keeping-sessions.js';
import type { SessionService } from '../core/session.service.js';
import { tableNames } from '../store/session-tables.js';
import {
  changeOf,
  propertiesOf,
  valueOf,
  watchedProperties,
  type CredentialChange,
  type WatchedPrincipal,
} from './credential-change.js';
import { currentSession } from './current-session.js';
import { isUpsert, isUpsertOf } from './upsert-statement.js';

const REMOVAL: CredentialChange = { reason: 'user-deleted', ends: 'all' };

/**
 * Ends a user's sessions in the transaction that changes their credential, disables or removes them.
 *
 * What TypeORM does not show to subscribers is refused: a write by criteria and an upsert do not say whose rows they hit,
 * and a write outside a transaction could be seen by a sign-in before the sessions have ended.
 */
export class CredentialSubscriber implements EntitySubscriberInterface<ObjectLiteral> {
  constructor(
    private readonly principal: WatchedPrincipal,
    private readonly sessions: SessionService,
  ) {}

  listenTo(): Function {
    return this.principal.entity;
  }

  beforeQuery({ query, dataSource }: BeforeQueryEvent): void {
    if (!isUpsert(query) || isKeepingSessions()) return;
    const metadata = dataSource.getMetadata(this.principal.entity);
    const watched = watchedProperties(this.principal, metadata);
    if (isUpsertOf(query, tableNames(dataSource, metadata), watched)) {
      throw unseen('an upsert that would set a credential');
    }
  }

  beforeUpdate(event: UpdateEvent<ObjectLiteral>): void {
    if (!isKeepingSessions() && this.#changeOf(event) !== undefined) {
      assertSeen(event, 'set a credential');
    }
  }

  async afterUpdate(event: UpdateEvent<ObjectLiteral>): Promise<void> {
    const change = isKeepingSessions() || !isSeen(event) ? undefined : this.#changeOf(event);
    if (change !== undefined) await this.#end(event, change);
  }

  beforeRemove(event: RemoveEvent<ObjectLiteral>): void {
    if (!isKeepingSessions()) assertSeen(event, 'remove users');
  }

  async afterRemove(event: RemoveEvent<ObjectLiteral>): Promise<void> {
    if (!isKeepingSessions()) await this.#end(event, REMOVAL);
  }

  beforeSoftRemove(event: SoftRemoveEvent<ObjectLiteral>): void {
    if (!isKeepingSessions()) assertSeen(event, 'remove users');
  }

  async afterSoftRemove(event: SoftRemoveEvent<ObjectLiteral>): Promise<void> {
    if (!isKeepingSessions()) await this.#end(event, REMOVAL);
  }

  #changeOf(event: UpdateEvent<ObjectLiteral>): CredentialChange | undefined {
    const { metadata, entity, updatedColumns } = event;
    const written = isSeen(event)
      ? updatedColumns.map((column) => column.propertyPath)
      : // Without the user's id, which such a write may well repeat.
        propertiesOf(metadata, entity).filter((property) => property !== this.principal.userId);
    return changeOf(this.principal, metadata, written, entity);
  }

  async #end(event: WatchedEvent, { reason, ends }: CredentialChange): Promise<void> {
    const userId = this.#userIdOf(event);
    if (userId === undefined) return;
    const kept = ends === 'others' ? currentSession.getStore() : undefined;
    const except = kept?.userId === userId ? kept.id : null;
    if (except !== null) kept?.requireRotation();
    await this.sessions.revokeAllForUser(userId, {
      reason,
      manager: event.manager,
      ...(except === null ? {} : { except }),
    });
  }

  /** As it was before the write: sessions know no other. `undefined` for a row without, which nobody signs in as. */
  #userIdOf({ metadata, databaseEntity, entity }: WatchedEvent): string | undefined {
    const { userId } = this.principal;
    const id = (valueOf(metadata, userId, databaseEntity) ??
      valueOf(metadata, userId, entity) ??
      undefined) as string | number | undefined;
    return id === undefined ? undefined : String(id);
  }
}

interface WatchedEvent {
  readonly entity?: ObjectLiteral | undefined;
  readonly databaseEntity?: ObjectLiteral | undefined;
  readonly manager: EntityManager;
  readonly metadata: EntityMetadata;
  readonly queryRunner: QueryRunner;
}

/** TypeORM sets `databaseEntity` for entities it loaded, and not for writes by criteria. */
function isSeen({ databaseEntity }: WatchedEvent): boolean {
  return databaseEntity !== undefined;
}

function assertSeen(event: WatchedEvent, deed: string): void {
  if (!isSeen(event)) {
    throw unseen(`a write by criteria that would ${deed}`);
  }
  if (!event.queryRunner.isTransactionActive) {
    throw new SessionError(
      'SESSION_CREDENTIAL_UPDATE_UNSEEN',
      `Expected a transaction around a write that would ${deed}, got save() or remove() with { transaction: false }. Leave the option out.`,
    );
  }
}

function unseen(write: string): SessionError {
  return new SessionError(
    'SESSION_CREDENTIAL_UPDATE_UNSEEN',
    `Expected to see which users to sign out, got ${write}. Load the entity and use save() or remove(); or call revokeAllForUser(userId, { manager }) in the same transaction and run the write inside keepingSessions().`,
  );
}
