import type { QueryRunner } from 'typeorm';

import { Parameter, sql } from '../sql.js';
import type { Dialect } from './dialect.js';
import { assign, upsert } from './standard-sql.js';

const CASTS = {
  integer: '::bigint',
  text: '::text',
  boolean: '::boolean',
  json: '::json',
  id: '::uuid',
  ids: '::uuid[]',
  texts: '::text[]',
  raw: '',
};

const ROW_TYPES = { id: 'uuid', integer: 'bigint', text: 'text' };

/** serialization_failure, deadlock_detected, lock_not_available. */
const RETRYABLE = ['40001', '40P01', '55P03'];

/** PostgreSQL 13 or newer. */
export const postgres: Dialect = {
  now: '(floor(extract(epoch from statement_timestamp()) * 1000)::bigint)',
  isolationLevel: 'READ COMMITTED',
  hasReturning: true,
  hasDeleteReturning: true,
  locksWhatUpdatesRead: false,
  hasOneConnection: false,
  lockRows: 'for update skip locked',
  lockRowsOrFail: 'for update nowait',
  withoutWaiting: '',
  hasWritingCte: true,
  byPrimaryKey: '',
  rowAddress: 'ctid',
  fromNothing: '',
  // Gone with the transaction: the connection goes back to the application's pool. No batch waits for its commit to reach
  // the disk: what a crash brings back is due still, and is deleted again.
  limitPurge: `select set_config('lock_timeout', '50ms', true), set_config('statement_timeout', '9s', true),
    set_config('synchronous_commit', 'off', true)`,
  unlimitPurge: null,

  codes: {
    isRetryable: (code) => RETRYABLE.includes(code),
    isSchemaMissing: (code) => ['42P01', '42703', '3F000'].includes(code),
    isConnection: (code) => /^(08|28|3D|53|57P)/.test(code),
    isReadOnly: (code) => code === '25006',
    isImpossibleValue: (code) => ['22P02', '22003', '22007', '22008'].includes(code),
  },

  placeholder: (type, position) => `$${position}${CASTS[type]}`,
  encode: (_type, value) => value,
  divide: (dividend, divisor) => sql`(${dividend}) / ${divisor}`,
  least: (a, b) => sql`least(${a}, ${b})`,
  greatest: (a, b) => sql`greatest(${a}, ${b})`,
  jsonText: (column) => `${column}::text`,
  asText: (column) => `cast(${column} as text)`,
  sameText: (column, text) => sql`cast(${column} as text) = ${text}`,
  isOneOf: (column, ids) => sql`${column} = any(${ids})`,

  rowsOf(json, columns) {
    const types = Object.entries(columns).map(([name, type]) => `${name} ${ROW_TYPES[type]}`);
    return sql`json_to_recordset(${json}) as t(${types.join(', ')})`;
  },

  updateFrom({ target, key, rows, assignments, where }) {
    // The join alone would lock rows in whatever order its plan visits them. What `where` says of a row that somebody else
    // was writing is found out again when the lock is there, and holds from then on: to ask again would only cost time.
    const locked = sql`select t.* from ${rows} join ${target} as s on s.${key} = t.id
      where ${where} order by t.id for no key update of s`;
    return sql`update ${target} as s set ${assign(assignments)} from (${locked}) as t
      where s.${key} = t.id`;
  },

  upsert,

  // By jsonb and back: json keeps the text as it was written, and cannot be patched.
  patch(column, { set, remove }) {
    const entries = Object.entries(set).map(([key, value]) => `${JSON.stringify(key)}:${value}`);
    return {
      expression: sql`(((coalesce(${column}::jsonb, '{}') - ${new Parameter('dataRemove', 'texts')})
        || ${new Parameter('dataSet', 'json')}::jsonb)::json)`,
      values: { dataSet: `{${entries.join(',')}}`, dataRemove: remove },
    };
  },

  async destroyConnection(queryRunner) {
    // TypeORM's own way to give a broken client back; `release` would let the pool hand it out again.
    await (queryRunner as PostgresQueryRunner).releasePostgresConnection(
      new Error('No answer within the deadline.'),
    );
  },
};

type PostgresQueryRunner = QueryRunner & { releasePostgresConnection(error: Error): Promise<void> };
