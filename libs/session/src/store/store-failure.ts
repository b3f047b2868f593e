import { SessionError } from '../core/errors.js';
import { DeadlineError } from './deadline.js';
import type { ErrorCodes } from './dialect/dialect.js';

/** Codes of Node's sockets and name look-ups, and errors without a code: they were made before any statement was sent. */
const HARMLESS = /^(E[A-Z]+|EAI_[A-Z]+|TIMEOUT|NO_CODE)$/;

/**
 * What is kept of a driver's error. Not the error itself: TypeORM's carries the statement and its parameters, MySQL's
 * the SQL, and PostgreSQL's message may quote a value.
 */
export class DriverFailure extends Error {
  override readonly name = 'DriverFailure';

  constructor(
    message: string,
    readonly code: string,
    /** Whether the statement only lost to another one. */
    readonly isRetryable: boolean,
    /** Whether it compared a value with a column of a type that has no such value. */
    readonly isImpossibleValue: boolean,
    /** Whether the database was out of reach, or did not answer in time. */
    readonly isOutage: boolean,
    /** Whether the server takes no writes. */
    readonly isReadOnly: boolean,
  ) {
    super(message);
  }
}

/** Whatever a driver rejected with, as `SESSION_STORE_UNAVAILABLE` or `SESSION_SCHEMA_MISSING`. */
export function storeFailure(error: unknown, codes: ErrorCodes): SessionError {
  if (error instanceof SessionError) return error;
  const driverError = fieldOf(error, 'driverError') ?? error;
  const text = fieldOf(driverError, 'message');
  const message = typeof text === 'string' ? text : '';
  const code = codeOf(driverError);
  const isShown = message !== '' && (HARMLESS.test(code) || codes.isConnection(code));
  const cause = new DriverFailure(
    isShown ? message : `${code}${errorNumberOf(driverError)}`,
    code,
    codes.isRetryable(code),
    codes.isImpossibleValue(code),
    HARMLESS.test(code) || codes.isConnection(code),
    codes.isReadOnly(code),
  );
  return codes.isSchemaMissing(code, message) ? schemaMissing(cause) : unavailable(cause);
}

/** What the store kept of the driver's error; `undefined` where `error` came from elsewhere. */
export function driverFailureOf(error: unknown): DriverFailure | undefined {
  const cause = error instanceof SessionError ? error.cause : undefined;
  return cause instanceof DriverFailure ? cause : undefined;
}

function schemaMissing(cause: DriverFailure): SessionError {
  return new SessionError(
    'SESSION_SCHEMA_MISSING',
    `Expected the session tables, got a database without them, or with older ones (${cause.code}). Run the migrations: \`await runSessionMigrations(dataSource)\` of "nestjs-curfew/migrations", or add \`sessionMigrations\` to your own.`,
    { cause },
  );
}

function unavailable(cause: DriverFailure): SessionError {
  const { code, message } = cause;
  const got = message.startsWith(code) || code === 'NO_CODE' ? message : `${message} (${code})`;
  return new SessionError(
    'SESSION_STORE_UNAVAILABLE',
    `Expected an answer of the database, got: ${got}`,
    { cause },
  );
}

function codeOf(error: unknown): string {
  if (error instanceof DeadlineError) return 'TIMEOUT';
  const code = fieldOf(error, 'code');
  return typeof code === 'string' && code !== '' ? code : 'NO_CODE';
}

/** The number of a MySQL error. Those of MariaDB's own come under the name that MySQL has for the number. */
function errorNumberOf(error: unknown): string {
  const number = fieldOf(error, 'errno');
  return typeof number === 'number' && number > 0 ? ` ${number}` : '';
}

/** By name, as the errors of better-sqlite3 and of a second copy of TypeORM are instances of nothing that is known here. */
function fieldOf(error: unknown, name: string): unknown {
  return typeof error === 'object' && error !== null && name in error
    ? (error as Record<string, unknown>)[name]
    : undefined;
}
