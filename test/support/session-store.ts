import { Table, type DataSource } from 'typeorm';

import { hours, minutes } from '../../libs/session/src/core/duration.js';
import { runSessionMigrations } from '../../libs/session/src/migrations.js';
import { SessionPrincipalEntity } from '../../libs/session/src/store/session-principal.entity.js';
import { SessionEntity } from '../../libs/session/src/store/session.entity.js';
import {
  TypeOrmSessionStore,
  type TypeOrmSessionStoreOptions,
} from '../../libs/session/src/store/typeorm-session-store.js';
import { Account } from './account.entity.js';
import type { TestDatabase } from './databases.js';

/** The entities of a data source with sessions and accounts. */
export const ENTITIES = [SessionEntity, SessionPrincipalEntity, Account];

/** The principal option for `Account`. */
export const ACCOUNT_PRINCIPAL = {
  entity: Account,
  userId: 'id',
  credentials: ['passwordHash'],
  disabled: 'isDisabled',
};

/** Of a store by the database's own clock. */
export const STORE_OPTIONS: TypeOrmSessionStoreOptions = {
  storeTimeoutMs: 2000,
  retentionMs: hours(1),
  purgeBucketMs: minutes(10),
  clock: null,
  principal: null,
};

export interface TestStore {
  readonly store: TypeOrmSessionStore;
  readonly dataSource: DataSource;
}

/** A store on the file's database, by the database's own clock; the tables are made where they are missing. */
export async function openStore(
  database: TestDatabase,
  options: Partial<TypeOrmSessionStoreOptions> = {},
  extra: Record<string, unknown> = {},
): Promise<TestStore> {
  const dataSource = await database.connect({ entities: ENTITIES, ...extra });
  await runSessionMigrations(dataSource);
  await createAccounts(dataSource);
  const store = new TypeOrmSessionStore(dataSource, {
    ...STORE_OPTIONS,
    principal: ACCOUNT_PRINCIPAL,
    ...options,
  });
  return { store, dataSource };
}

/** Makes the table of `Account` where it is missing. */
export async function createAccounts(dataSource: DataSource): Promise<void> {
  const table = Table.create(dataSource.getMetadata(Account), dataSource.driver);
  const queryRunner = dataSource.createQueryRunner();
  await queryRunner.createTable(table, true);
  await queryRunner.release();
}
