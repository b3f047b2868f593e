import {
  getMetadataArgsStorage,
  type BeforeQueryEvent,
  type DataSource,
  type EntityManager,
  type EntityMetadata,
  type EntitySubscriberInterface,
  type ObjectLiteral,
  type QueryRunner,
  type RemoveEvent,
  type SoftRemoveEvent,
  type UpdateEvent,
} from 'typeorm';

import { SessionError } from '../core/errors.js';
import { isKeepingSessions } from '../core/keeping-sessions.js';
import { revokePrincipal } from '../core/principal-revocation.js';
import type { SessionEvents } from '../core/session-events.js';
import type { SessionStore } from '../core/session-store.js';
import { assertUserId } from '../core/user-id.js';
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
import { isUnchanged, loadHidden } from './hidden-columns.js';
import { isUpsert, isUpsertOf } from './upsert-statement.js';

const REMOVAL: CredentialChange = { reason: 'user-deleted', ends: 'all' };

/**
 * Ends a user's sessions in the transaction that changes their credential, disables or removes them.
 *
 * What TypeORM does not show to subscribers is refused: a write by criteria and an upsert do not say whose rows they hit,
 * and a write outside a transaction could be seen by a sign-in before the sessions have ended.
 *
 * Where a trigger of the database ends the sessions, nothing needs to be refused. What is left is to spare the session that
 * asked for the change, and to announce the end. An epoch that no trigger raised is raised here, as it is without one.
 */
export class CredentialSubscriber implements EntitySubscriberInterface<ObjectLiteral> {
  /** Before the write, by the entity that TypeORM loaded for it. */
  readonly #epochs = new WeakMap<ObjectLiteral, number>();
  readonly #hasTrigger: boolean;
  readonly #listenTo: Function;

  constructor(
    private readonly principal: WatchedPrincipal,
    private readonly store: SessionStore,
    private readonly events: SessionEvents,
  ) {
    this.#hasTrigger = principal.trigger ?? false;
    this.#listenTo = rootOf(principal.entity);
  }

  listenTo(): Function {
    return this.#listenTo;
  }

  beforeQuery({ query, dataSource, queryRunner }: BeforeQueryEvent): void {
    if (!isUpsert(query)) return;
    const isKept = isKeepingSessions();
    if (isKept !== this.#hasTrigger) return;
    const metadata = dataSource.getMetadata(this.principal.entity);
    const watched = watchedProperties(this.principal, metadata);
    if (!isUpsertOf(query, tableNames(dataSource, metadata), watched)) return;
    if (!isKept) throw unseen('an upsert that would set a credential');
    assertMarked(queryRunner, 'set a credential');
  }

  async beforeUpdate(event: UpdateEvent<ObjectLiteral>): Promise<void> {
    await loadHidden(event, watchedProperties(this.principal, event.metadata));
    // Under a trigger for each entity: hooks that run beside this one may set a credential yet.
    const mayChange = this.#hasTrigger && event.databaseEntity !== undefined;
    if (mayChange || this.#changeOf(event) !== undefined) {
      await this.#before(event, 'set a credential');
    }
  }

  async afterUpdate(event: UpdateEvent<ObjectLiteral>): Promise<void> {
    const change = this.#changeOf(event);
    if (change !== undefined) await this.#after(event, change);
  }

  beforeRemove(event: RemoveEvent<ObjectLiteral>): Promise<void> {
    return this.#before(event, 'remove users');
  }

  afterRemove(event: RemoveEvent<ObjectLiteral>): Promise<void> {
    return this.#after(event, REMOVAL);
  }

  beforeSoftRemove(event: SoftRemoveEvent<ObjectLiteral>): Promise<void> {
    return this.#before(event, 'remove users');
  }

  afterSoftRemove(event: SoftRemoveEvent<ObjectLiteral>): Promise<void> {
    return this.#after(event, REMOVAL);
  }

  /** Not a subtype with a table of its own, whose ids are none of the principal's. */
  #isWatched({ dataSource, metadata }: WatchedEvent): boolean {
    return metadata.tablePath === dataSource.getMetadata(this.principal.entity).tablePath;
  }

  async #before(event: WatchedEvent, deed: string): Promise<void> {
    if (!this.#isWatched(event)) return;
    if (isKeepingSessions()) {
      if (this.#hasTrigger) assertMarked(event.queryRunner, deed);
      return;
    }
    if (!this.#hasTrigger) {
      assertSeen(event, deed);
      return;
    }
    const userId = this.#userIdOf(event);
    if (event.databaseEntity === undefined || userId === undefined) return;
    const epoch = await this.store.within(event.manager).epochOf(userId);
    this.#epochs.set(event.databaseEntity, epoch);
  }

  async #after(event: WatchedEvent, { reason, ends }: CredentialChange): Promise<void> {
    const { databaseEntity } = event;
    if (databaseEntity === undefined || isKeepingSessions() || !this.#isWatched(event)) return;
    const userId = this.#userIdOf(event);
    if (userId === undefined) return;
    assertUserId(userId);
    const kept = ends === 'others' ? currentSession.getStore() : undefined;
    const except = (kept?.userId === userId ? kept.id : null) ?? undefined;
    if (except !== undefined) kept?.requireRotation();
    const since = this.#epochs.get(databaseEntity);
    const store = this.store.within(event.manager);
    await revokePrincipal(store, this.events, userId, { reason, except, since });
  }

  #changeOf(event: UpdateEvent<ObjectLiteral>): CredentialChange | undefined {
    const { metadata, entity, updatedColumns, databaseEntity } = event;
    const written =
      databaseEntity === undefined
        ? // Without the user's id, which such a write may well repeat.
          propertiesOf(metadata, entity).filter((property) => property !== this.principal.userId)
        : updatedColumns
            .filter((column) => !isUnchanged(column, databaseEntity, entity))
            .map((column) => column.propertyPath);
    return changeOf(this.principal, metadata, written, entity);
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

/** Of an entity with subtypes in one table the type that they are of: a write by its criteria may hit their rows. */
function rootOf(entity: Function): Function {
  const { inheritances } = getMetadataArgsStorage();
  const root = inheritances.find(
    ({ target }) => typeof target === 'function' && target.isPrototypeOf(entity),
  );
  return typeof root?.target === 'function' ? root.target : entity;
}

interface WatchedEvent {
  readonly dataSource: DataSource;
  readonly entity?: ObjectLiteral | undefined;
  /** TypeORM sets it for entities that it loaded, and not for writes by criteria. */
  readonly databaseEntity?: ObjectLiteral | undefined;
  readonly manager: EntityManager;
  readonly metadata: EntityMetadata;
  readonly queryRunner: QueryRunner;
}

function assertSeen({ databaseEntity, queryRunner }: WatchedEvent, deed: string): void {
  if (databaseEntity === undefined) throw unseen(`a write by criteria that would ${deed}`);
  if (!queryRunner.isTransactionActive) {
    throw new SessionError(
      'SESSION_CREDENTIAL_UPDATE_UNSEEN',
      `Expected a transaction around a write that would ${deed}, got save() or remove() with { transaction: false }. Leave the option out.`,
    );
  }
}

/** A trigger learns from the transaction that it keeps the sessions. */
function assertMarked(queryRunner: QueryRunner, deed: string): void {
  if (queryRunner.isTransactionActive) return;
  throw new SessionError(
    'SESSION_CREDENTIAL_UPDATE_UNSEEN',
    `Expected a transaction around a write inside keepingSessions() that would ${deed}, got none, and the trigger would end the sessions. Run it inside dataSource.transaction().`,
  );
}

function unseen(write: string): SessionError {
  return new SessionError(
    'SESSION_CREDENTIAL_UPDATE_UNSEEN',
    `Expected to see which users to sign out, got ${write}. Load the entity and use save() or remove(); or call revokeAllForUser(userId, { manager }) in the same transaction and run the write inside keepingSessions(); or install the trigger of \`principal.trigger\`.`,
  );
}
