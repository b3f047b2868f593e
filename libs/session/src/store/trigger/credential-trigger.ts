import type { DataSource, QueryRunner } from 'typeorm';

import { SessionError } from '../../core/errors.js';
import { EVERYONE, MAX_USER_ID_LENGTH } from '../../core/user-id.js';
import { isDisabled } from '../credential-proof.js';
import { dialectOf } from '../dialect/dialect-of.js';
import type { Assignment, Dialect } from '../dialect/dialect.js';
import {
  principalColumns,
  type PrincipalColumns,
  type PrincipalEntity,
} from '../principal-columns.js';
import type { SessionPrincipalEntity } from '../session-principal.entity.js';
import { principalTable, type TableNames } from '../session-tables.js';
import { compile, join, sql, type Sql } from '../sql.js';

/** How one kind of database tells a trigger that a transaction keeps the sessions. Statements without parameters. */
export interface KeepingMark {
  /** From here on, in this transaction. It is gone with it, or with its savepoint. */
  readonly set: string;
  readonly clear: string;
  /** Whether a statement that fails takes its transaction along, and the mark with it. */
  readonly diesWithFailure: boolean;
}

/** A trigger on the users' table that ends the sessions of the users whose rows change: what its SQL is made of. */
export interface CredentialTrigger {
  readonly dialect: Dialect;
  readonly users: PrincipalColumns;
  readonly principals: TableNames<keyof SessionPrincipalEntity>;
  readonly escape: (name: string) => string;
}

/** A column before and after a write, as the body of a trigger compares them. */
export interface TriggerTerms {
  /** Whether a column has another value now, to the byte and whatever its collation. */
  readonly isChanged: (column: string) => string;
  /** The user's id before the write, as sessions know it. */
  readonly userId: string;
  /** The same, compared by its bytes. */
  readonly exactUserId: string;
  /** The number of characters of `userId`. */
  readonly userIdLength: string;
}

/** One kind of database. */
export interface TriggerDialect {
  mark(principals: TableNames<keyof SessionPrincipalEntity>): KeepingMark;
  /** Installs the trigger; an older one is replaced. */
  install(queryRunner: QueryRunner, trigger: CredentialTrigger): Promise<void>;
  /** Removes it, whatever its version. */
  remove(queryRunner: QueryRunner, trigger: CredentialTrigger): Promise<void>;
  /** Whether the trigger is there, and the same to the letter. */
  isInstalled(queryRunner: QueryRunner, trigger: CredentialTrigger): Promise<boolean>;
}

/** @throws `SESSION_OPTIONS_INVALID`, `SESSION_DATABASE_UNSUPPORTED` */
export function credentialTrigger(
  dataSource: DataSource,
  principal: PrincipalEntity,
): CredentialTrigger {
  const users = principalColumns(dataSource, principal);
  const userId = users.metadata.findColumnWithPropertyPath(principal.userId);
  if (userId?.transformer !== undefined) {
    throw new SessionError(
      'SESSION_OPTIONS_INVALID',
      `Expected \`principal.userId\` to be a property without a transformer, got "${principal.userId}" with one: a database trigger sees the column and not what is made of it.`,
    );
  }
  return {
    dialect: dialectOf(dataSource),
    users,
    principals: principalTable(dataSource),
    escape: (name) => dataSource.driver.escape(name),
  };
}

/** A name of ours, after the table: within the 63 bytes of PostgreSQL and the 64 characters of MySQL. */
export function triggerName({ users, escape }: CredentialTrigger, suffix = ''): string {
  return escape(plainTriggerName(users, suffix));
}

export function plainTriggerName({ metadata }: PrincipalColumns, suffix = ''): string {
  const table = Buffer.from(metadata.tableName).subarray(0, 36).toString().replaceAll('\ufffd', '');
  return `${table}_end_sessions${suffix}`;
}

/** Whether sessions can have the user's id at all. `*` is everyone's: a user of that name must not sign out the others. */
export function isUserId({ exactUserId, userIdLength }: TriggerTerms): Sql {
  return sql`${userIdLength} between 1 and ${MAX_USER_ID_LENGTH} and ${exactUserId} <> '${EVERYONE}'`;
}

/** When an update ends sessions, and why, in the order in which the reasons count. */
export function endingUpdate(
  { dialect, users }: CredentialTrigger,
  { isChanged }: TriggerTerms,
): { readonly condition: Sql; readonly reason: Sql } {
  const { userId, credentials, disabled, deletedAt } = users;
  const deletions = [
    isChanged(userId),
    ...(deletedAt === undefined
      ? []
      : [`${isChanged(deletedAt)} and new.${deletedAt} is not null`]),
  ];
  const cases: (readonly [condition: Sql, reason: string])[] = [
    [sql`${deletions.join(' or ')}`, 'user-deleted'],
  ];
  if (disabled !== undefined) {
    const becomesSet = sql`${isChanged(disabled)} and ${isDisabled(dialect, `new.${disabled}`)}`;
    cases.push([becomesSet, 'user-disabled']);
  }
  cases.push([sql`${credentials.map(isChanged).join(' or ')}`, 'password-changed']);
  const whens = cases.map(([condition, reason]) => sql`when ${condition} then '${reason}'`);
  return {
    condition: sql`(${join(
      cases.map(([condition]) => condition),
      ' or ',
    )})`,
    reason: sql`case ${join(whens, ' ')} end`,
  };
}

/** The columns of a principal's first raise. */
export function firstRaise(
  { principals: { columns }, dialect }: CredentialTrigger,
  userId: string,
  reason: Sql,
): readonly Assignment[] {
  return [
    [columns.userId, userId],
    [columns.epoch, '1'],
    [columns.sweptEpoch, '0'],
    [columns.reason, reason],
    [columns.updatedAt, dialect.now],
  ];
}

/** What a further raise writes; `existing` names a column of the row that is there. */
export function furtherRaise(
  { principals: { columns }, dialect }: CredentialTrigger,
  existing: (column: string) => string,
  reason: Sql,
): readonly Assignment[] {
  return [
    [columns.epoch, `${existing(columns.epoch)} + 1`],
    [columns.reason, reason],
    [columns.updatedAt, dialect.now],
  ];
}

/** SQL without parameters, on one line. */
export function textOf(statement: Sql): string {
  return compile(statement, () => '').text;
}
