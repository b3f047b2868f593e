import type { DataSource, QueryRunner } from 'typeorm';

import { SessionError } from '../../core/errors.js';
import { Deadline } from '../deadline.js';
import { dialectOf } from '../dialect/dialect-of.js';
import { runAlone } from '../migrations/session-migrations.js';
import type { PrincipalEntity } from '../principal-columns.js';
import { principalTable } from '../session-tables.js';
import { storeFailure } from '../store-failure.js';
import { credentialTrigger, type KeepingMark, type TriggerDialect } from './credential-trigger.js';
import { mysqlTrigger } from './mysql-trigger.js';
import { postgresTrigger } from './postgres-trigger.js';
import { sqliteTrigger } from './sqlite-trigger.js';

/** Longest look for the trigger at boot, in milliseconds. */
const CHECK_TIMEOUT_MS = 10_000;

/** The users whose rows the trigger watches: what the option `principal` says of them. */
export interface CredentialTriggerOptions {
  /** The TypeORM entity class. */
  readonly entity: Function;
  /** The property that `signIn(userId)` is given, as text. @defaultValue 'id' */
  readonly userId?: string;
  /** Properties that prove who the user is. A change of one ends all sessions of the user. */
  readonly credentials: readonly string[];
  /** A property that is null or false while the user may sign in. Setting it ends all sessions of the user. */
  readonly disabled?: string;
}

const DIALECTS: Readonly<Record<string, TriggerDialect>> = {
  postgres: postgresTrigger,
  mysql: mysqlTrigger,
  mariadb: mysqlTrigger,
  'better-sqlite3': sqliteTrigger,
};

/**
 * Installs a trigger on the users' table that ends a user's sessions in the transaction that changes a credential, disables
 * or deletes the user or gives them another id, whatever writes the row: SQL of any program included. Then say
 * `principal.trigger: true` in the options.
 *
 * Does nothing where the same trigger is there, and replaces an older one: run it again whenever the option changes, after
 * an update of this package, and after a migration that makes the table anew. The session tables are there, and the data
 * source knows the entity. With a query runner, for a migration of your own, it is part of its transaction.
 *
 * PostgreSQL: the trigger writes with the rights of who installs it. MySQL with a binary log needs
 * `log_bin_trust_function_creators`, or a user with SUPER.
 * @throws `SESSION_OPTIONS_INVALID`, `SESSION_SCHEMA_MISSING`, `SESSION_DATABASE_UNSUPPORTED`, and what the database says
 */
export function installCredentialTrigger(
  target: DataSource | QueryRunner,
  options: CredentialTriggerOptions,
): Promise<void> {
  return on(target, (queryRunner) => {
    const { dataSource } = queryRunner;
    const trigger = credentialTrigger(dataSource, principalOf(options));
    return triggerDialectOf(dataSource).install(queryRunner, trigger);
  });
}

/** Removes what `installCredentialTrigger` made. Does nothing where it is not there. Take `principal.trigger` back first. */
export function removeCredentialTrigger(
  target: DataSource | QueryRunner,
  options: CredentialTriggerOptions,
): Promise<void> {
  return on(target, (queryRunner) => {
    const { dataSource } = queryRunner;
    const trigger = credentialTrigger(dataSource, principalOf(options));
    return triggerDialectOf(dataSource).remove(queryRunner, trigger);
  });
}

/** @throws `SESSION_TRIGGER_MISSING` unless exactly the trigger of these options is there; `SESSION_STORE_UNAVAILABLE` */
export async function assertCredentialTrigger(
  dataSource: DataSource,
  principal: PrincipalEntity,
): Promise<void> {
  const trigger = credentialTrigger(dataSource, principal);
  const queryRunner = dataSource.createQueryRunner('master');
  const deadline = new Deadline(CHECK_TIMEOUT_MS);
  let isInstalled: boolean;
  try {
    isInstalled = await deadline.race(
      triggerDialectOf(dataSource).isInstalled(queryRunner, trigger),
    );
  } catch (error) {
    throw storeFailure(error, trigger.dialect.codes);
  } finally {
    deadline.clear();
    await queryRunner.release();
  }
  if (isInstalled) return;
  throw new SessionError(
    'SESSION_TRIGGER_MISSING',
    `Expected the trigger of \`principal.trigger: true\` on the table of ${principal.entity.name}, got none, an older one, or one that this user of the database may not see. Run installCredentialTrigger(dataSource, principal) of "nestjs-curfew/migrations".`,
  );
}

/** How a transaction says that it keeps the sessions. */
export function keepingMarkOf(dataSource: DataSource): KeepingMark {
  return triggerDialectOf(dataSource).mark(principalTable(dataSource));
}

function on(
  target: DataSource | QueryRunner,
  work: (queryRunner: QueryRunner) => Promise<void>,
): Promise<void> {
  return 'createQueryRunner' in target ? runAlone(target, work) : work(target);
}

function principalOf({ userId = 'id', ...options }: CredentialTriggerOptions): PrincipalEntity {
  return { userId, ...options };
}

/** @throws `SESSION_DATABASE_UNSUPPORTED` */
function triggerDialectOf(dataSource: DataSource): TriggerDialect {
  dialectOf(dataSource);
  return DIALECTS[dataSource.options.type] as TriggerDialect;
}
