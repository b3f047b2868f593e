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
import type { RevokeReason } from '../core/session.js';
import { tableNames } from '../store/session-tables.js';
import { currentSession } from './current-session.js';
import { isUpsert, isUpsertOf } from './upsert-statement.js';

/** The part of the `principal` option that the subscriber reads. */
export interface WatchedPrincipal {
  readonly entity: Function;
  readonly userId: string;
  readonly credentials: readonly string[];
  readonly disabled?: string;
}

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
    const watched = [...this.principal.credentials, ...this.#endingProperties(metadata).keys()];
    if (isUpsertOf(query, tableNames(dataSource, metadata), watched)) {
      throw unseen('an upsert that would set a credential');
    }
  }

  beforeUpdate(event: UpdateEvent<ObjectLiteral>): void {
    if (isKeepingSessions()) return;
    const written = isSeen(event) ? columnsOf(event) : Object.keys(event.entity ?? {});
    const ends =
      this.principal.credentials.some((name) => written.includes(name)) ||
      this.#reasonToEndAll(event, written) !== undefined;
    if (ends) assertSeen(event, 'set a credential');
  }

  async afterUpdate(event: UpdateEvent<ObjectLiteral>): Promise<void> {
    if (isKeepingSessions() || !isSeen(event)) return;
    const changed = columnsOf(event);
    const reason = this.#reasonToEndAll(event, changed);
    if (reason !== undefined) {
      await this.#endAll(event, reason);
    } else if (this.principal.credentials.some((name) => changed.includes(name))) {
      await this.#endOthers(event);
    }
  }

  beforeRemove(event: RemoveEvent<ObjectLiteral>): void {
    if (!isKeepingSessions()) assertSeen(event, 'remove users');
  }

  async afterRemove(event: RemoveEvent<ObjectLiteral>): Promise<void> {
    if (!isKeepingSessions()) await this.#endAll(event, 'user-deleted');
  }

  beforeSoftRemove(event: SoftRemoveEvent<ObjectLiteral>): void {
    if (!isKeepingSessions()) assertSeen(event, 'remove users');
  }

  async afterSoftRemove(event: SoftRemoveEvent<ObjectLiteral>): Promise<void> {
    if (!isKeepingSessions()) await this.#endAll(event, 'user-deleted');
  }

  /** The properties that, once set, end all sessions of the user, and why. A deletion date may be saved like any other. */
  #endingProperties({ deleteDateColumn }: EntityMetadata): ReadonlyMap<string, RevokeReason> {
    const properties = new Map<string, RevokeReason>();
    const { disabled } = this.principal;
    if (deleteDateColumn !== undefined) {
      properties.set(deleteDateColumn.propertyPath, 'user-deleted');
    }
    if (disabled !== undefined) properties.set(disabled, 'user-disabled');
    return properties;
  }

  #reasonToEndAll(
    { metadata, entity }: UpdateEvent<ObjectLiteral>,
    written: readonly string[],
  ): RevokeReason | undefined {
    const ending = [...this.#endingProperties(metadata)];
    return ending.find(([name]) => written.includes(name) && isSet(entity?.[name]))?.[1];
  }

  async #endOthers(event: WatchedEvent): Promise<void> {
    const userId = this.#userIdOf(event);
    const current = currentSession.getStore();
    const keeps = current !== undefined && current.id !== null && current.userId === userId;
    if (keeps) current.requireRotation();
    await this.#end(
      event,
      userId,
      'password-changed',
      keeps ? (current.id ?? undefined) : undefined,
    );
  }

  #endAll(event: WatchedEvent, reason: RevokeReason): Promise<void> {
    return this.#end(event, this.#userIdOf(event), reason, undefined);
  }

  #end(
    { manager }: WatchedEvent,
    userId: string,
    reason: RevokeReason,
    except: string | undefined,
  ): Promise<void> {
    return this.sessions.revokeAllForUser(userId, {
      reason,
      manager,
      ...(except === undefined ? {} : { except }),
    });
  }

  #userIdOf({ databaseEntity, entity }: WatchedEvent): string {
    const value: unknown =
      databaseEntity?.[this.principal.userId] ?? entity?.[this.principal.userId];
    return String(value);
  }
}

interface WatchedEvent {
  readonly entity?: ObjectLiteral | undefined;
  readonly databaseEntity?: ObjectLiteral | undefined;
  readonly manager: EntityManager;
  readonly queryRunner: QueryRunner;
}

/** TypeORM sets `databaseEntity` for entities it loaded, and not for writes by criteria. */
function isSeen({ databaseEntity }: WatchedEvent): boolean {
  return databaseEntity !== undefined;
}

function columnsOf({ updatedColumns }: UpdateEvent<ObjectLiteral>): string[] {
  return updatedColumns.map((column) => column.propertyPath);
}

function isSet(disabled: unknown): boolean {
  return disabled !== undefined && disabled !== null && disabled !== false && disabled !== 0;
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
