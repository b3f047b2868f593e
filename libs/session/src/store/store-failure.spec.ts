import { inspect } from 'node:util';

import { describe, expect, it } from '@jest/globals';
import { QueryFailedError } from 'typeorm';

import { SessionError } from '../core/errors.js';
import { DeadlineError } from './deadline.js';
import { mysql } from './dialect/mysql.js';
import { postgres } from './dialect/postgres.js';
import { sqlite } from './dialect/sqlite.js';
import { driverFailureOf, storeFailure } from './store-failure.js';

const SECRET = 'a-secret-value';

function failedWith(driverError: Error & { code?: string; errno?: number }) {
  Object.assign(driverError, { sql: `insert into t values ('${SECRET}')`, detail: SECRET });
  return new QueryFailedError('insert into t values (?)', [SECRET], driverError);
}

const errorWith = (code: string, message: string, errno?: number) =>
  Object.assign(new Error(message), { code, ...(errno === undefined ? {} : { errno }) });

describe('storeFailure', () => {
  it.each([
    ['PostgreSQL', postgres, errorWith('23505', `duplicate key "${SECRET}"`), '23505'],
    [
      'MySQL',
      mysql,
      errorWith('ER_DUP_ENTRY', `Duplicate entry '${SECRET}'`, 1062),
      'ER_DUP_ENTRY 1062',
    ],
    ['SQLite', sqlite, errorWith('SQLITE_CONSTRAINT', `failed: ${SECRET}`), 'SQLITE_CONSTRAINT'],
  ])(
    'keeps the code of an error of %s, and none of its values',
    (_name, { codes }, driverError, shown) => {
      const error = storeFailure(failedWith(driverError), codes);
      expect(error.code).toBe('SESSION_STORE_UNAVAILABLE');
      expect(error.message).toContain(shown);
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(SECRET);
      expect(inspect(error, { depth: 10, showHidden: true })).not.toContain('insert into');
    },
  );

  it.each([
    [
      'a refused connection',
      postgres,
      errorWith('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1'),
    ],
    ['a name that does not resolve', mysql, errorWith('ENOTFOUND', 'getaddrinfo ENOTFOUND db')],
    ['a wrong password', postgres, errorWith('28P01', 'password authentication failed')],
    ['too many connections', mysql, errorWith('ER_CON_COUNT_ERROR', 'Too many connections', 1040)],
    [
      'a file that cannot be opened',
      sqlite,
      errorWith('SQLITE_CANTOPEN', 'unable to open database file'),
    ],
    ['a deadline', sqlite, new DeadlineError('no answer within 5 ms')],
  ])('says what happened to %s', (_name, { codes }, driverError) => {
    expect(storeFailure(driverError, codes).message).toContain(driverError.message);
  });

  it.each([
    ['PostgreSQL', postgres, errorWith('42P01', 'relation "sessions" does not exist')],
    ['MySQL', mysql, errorWith('ER_NO_SUCH_TABLE', `Table 'x.sessions' doesn't exist`, 1146)],
    ['SQLite', sqlite, errorWith('SQLITE_ERROR', 'no such table: sessions')],
  ])('names the cure of missing tables on %s', (_name, { codes }, driverError) => {
    const error = storeFailure(failedWith(driverError), codes);
    expect(error.code).toBe('SESSION_SCHEMA_MISSING');
    expect(error.message).toContain('runSessionMigrations');
  });

  it.each([
    [postgres, '40001'],
    [postgres, '40P01'],
    [mysql, 'ER_LOCK_DEADLOCK'],
    [mysql, 'ER_LOCK_WAIT_TIMEOUT'],
    [sqlite, 'SQLITE_BUSY'],
    [sqlite, 'SQLITE_BUSY_SNAPSHOT'],
  ])('knows what may be run again', ({ codes }, code) => {
    expect(driverFailureOf(storeFailure(errorWith(code, ''), codes))?.isRetryable).toBe(true);
    expect(driverFailureOf(storeFailure(errorWith('XX000', ''), codes))?.isRetryable).toBe(false);
  });

  it('leaves an error of Curfew as it is', () => {
    const error = new SessionError('SESSION_ENDED', 'over');
    expect(storeFailure(error, postgres.codes)).toBe(error);
  });
});
