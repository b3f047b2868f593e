import type { QueryRunner } from 'typeorm';

import type { DataPatch } from '../../core/session-store.js';
import type { Parameter, ParameterType, Sql, SqlPart } from '../sql.js';

/** A column and what is written to it. */
export type Assignment = readonly [column: string, value: SqlPart];

/** `update … set …` of the rows of `target` (alias `s`) whose key is the `id` of one of the given rows (alias `t`). */
export interface UpdateFrom {
  readonly target: string;
  readonly key: string;
  readonly rows: Sql;
  /** No value may read a column that is assigned here: MySQL would read the new one. */
  readonly assignments: readonly Assignment[];
  readonly where: Sql;
}

/** An INSERT of one row that becomes an UPDATE where its key is taken. */
export interface Upsert {
  readonly table: string;
  readonly key: string;
  readonly values: readonly Assignment[];
  /** What to write where the key is taken; `existing` names a column of the row that is there. */
  readonly onConflict: (existing: (column: string) => string) => readonly Assignment[];
}

/** A patch of the data as an expression, with the values of its parameters. */
export interface PatchExpression {
  readonly expression: Sql;
  readonly values: Readonly<Record<string, unknown>>;
}

/** What a driver's error means, by its code. */
export interface ErrorCodes {
  /** The statement lost to another one and may be run again. */
  isRetryable(code: string): boolean;
  /** A table or a column is not there. */
  isSchemaMissing(code: string, message: string): boolean;
  /** The server was not reached or turned the connection away; the message then holds no value of a statement. */
  isConnection(code: string): boolean;
  /** The server takes no writes: it was never the primary, or is it no more. */
  isReadOnly(code: string): boolean;
  /** A value cannot be of the type of the column that it is compared with. */
  isImpossibleValue(code: string): boolean;
}

/** How one kind of database says what the store needs. */
export interface Dialect {
  /** The database's clock in epoch milliseconds, the same throughout a statement. */
  readonly now: string;
  /** Of the store's transactions; `undefined` where the database knows no such level. */
  readonly isolationLevel: 'READ COMMITTED' | undefined;
  /** Whether UPDATE and DELETE have RETURNING. Without, rows are locked first and then written by id. */
  readonly hasReturning: boolean;
  /** Whether a DELETE of one table has RETURNING, as it has on MariaDB where an UPDATE has not. */
  readonly hasDeleteReturning: boolean;
  /**
   * Whether an UPDATE locks what its subqueries read, as MySQL and MariaDB do: from REPEATABLE READ on, and where it names
   * several tables always. A write that holds its session's row would wait for the principal's, against the order in which
   * everyone else takes the two.
   */
  readonly locksWhatUpdatesRead: boolean;
  /** Whether all statements of a process share one connection, and so one transaction. */
  readonly hasOneConnection: boolean;
  /** Locks the rows of a SELECT and passes over locked ones; empty where a statement has the database to itself. */
  readonly lockRows: string;
  /** Locks the rows of a SELECT, or fails where one is locked. Needed where a DELETE has no RETURNING. */
  readonly lockRowsOrFail: string;
  /** Before a DELETE: keeps it from waiting for a row that is locked. Empty where the purge's own bound is as short. */
  readonly withoutWaiting: string;
  /** Whether a WITH can hold a DELETE. */
  readonly hasWritingCte: boolean;
  /**
   * After a table whose rows are named by their keys: keeps the plan to the primary key. MySQL and MariaDB lock every row
   * that a plan visits, and scan the whole of a small table; empty where only the rows that match are locked.
   */
  readonly byPrimaryKey: string;
  /**
   * Where a row lies, which for a row that is locked finds it at less cost than its primary key; `null` where there is no
   * such column. An index on random ids is read at a page of its own for each row.
   */
  readonly rowAddress: string | null;
  /** FROM of a SELECT that has a WHERE and no table. */
  readonly fromNothing: string;
  /** Bounds the statements of a purge, at the start of its transaction; `null` for none. */
  readonly limitPurge: string | null;
  /** Takes that back at the end, where it does not end with the transaction; else `null`. */
  readonly unlimitPurge: string | null;
  readonly codes: ErrorCodes;

  placeholder(type: ParameterType, position: number): string;
  /** The value as the driver takes it. */
  encode(type: ParameterType, value: unknown): unknown;
  /** Quotient of positive integers, without the fraction. */
  divide(dividend: Sql, divisor: number): Sql;
  least(a: Sql, b: Sql): Sql;
  greatest(a: Sql, b: Sql): Sql;
  /** A JSON column as text that the driver leaves alone. */
  jsonText(column: string): string;
  /** A column of any type as text. */
  asText(column: string): string;
  /** Whether a column, as text, is these characters, whatever its type and collation. */
  sameText(column: string, text: Parameter): Sql;
  isOneOf(column: string, ids: Parameter): Sql;
  /** The objects of a JSON array as rows, under the alias `t`. */
  rowsOf(json: Parameter, columns: Readonly<Record<string, 'id' | 'integer' | 'text'>>): Sql;
  /** Locks rows in the order given: two that meet wait for each other, and never in a circle. */
  updateFrom(update: UpdateFrom): Sql;
  upsert(upsert: Upsert): Sql;
  /** A JSON column with some of its keys changed. */
  patch(column: string, patch: DataPatch): PatchExpression;
  /** Closes the connection of a statement that was never answered. The pool must not hand it out again. */
  destroyConnection(queryRunner: QueryRunner): Promise<void>;
}
