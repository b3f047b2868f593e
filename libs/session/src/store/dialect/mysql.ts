import { Parameter, sql } from '../sql.js';
import type { Dialect } from './dialect.js';
import { patchByPath } from './json-path.js';
import { assign, columnsAndValues } from './standard-sql.js';

const ROW_TYPES = { id: 'varchar(36)', integer: 'bigint', text: 'varchar(512)' };

/** The last: MariaDB's snapshot isolation, where the application has set another isolation level. */
const RETRYABLE = ['ER_LOCK_DEADLOCK', 'ER_LOCK_NOWAIT', 'ER_LOCK_WAIT_TIMEOUT', 'ER_CHECKREAD'];

const CONNECTION = [
  'ER_ACCESS_DENIED_ERROR',
  'ER_BAD_DB_ERROR',
  'ER_CON_COUNT_ERROR',
  'ER_DBACCESS_DENIED_ERROR',
  'ER_SERVER_SHUTDOWN',
  'ER_TOO_MANY_USER_CONNECTIONS',
  'PROTOCOL_CONNECTION_LOST',
];

const READ_ONLY = [
  'ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION',
  'ER_OPTION_PREVENTS_STATEMENT',
  'ER_READ_ONLY_MODE',
];

const IMPOSSIBLE = [
  'ER_DATA_OUT_OF_RANGE',
  'ER_TRUNCATED_WRONG_VALUE',
  'ER_TRUNCATED_WRONG_VALUE_FOR_FIELD',
  'ER_WRONG_VALUE',
];

/** MySQL 8.0 or newer, MariaDB 10.6 or newer. */
export const mysql: Dialect = {
  // Not UNIX_TIMESTAMP(NOW()): it reads the hour that a zone repeats in autumn only once.
  now: `(timestampdiff(microsecond, '1970-01-01', utc_timestamp(3)) div 1000)`,
  // No gap locks: a purge and a sign-in would wait for each other.
  isolationLevel: 'READ COMMITTED',
  hasReturning: false,
  hasDeleteReturning: false,
  locksWhatUpdatesRead: true,
  hasOneConnection: false,
  lockRows: 'for update skip locked',
  lockRowsOrFail: 'for update nowait',
  withoutWaiting: '',
  hasWritingCte: false,
  byPrimaryKey: 'force index (primary)',
  rowAddress: null,
  fromNothing: 'from dual',
  // A variable of the connection, which goes back to the application's pool. One second is the least.
  limitPurge: `set @session_lock_wait_timeout = @@session.innodb_lock_wait_timeout, session innodb_lock_wait_timeout = 1`,
  unlimitPurge: 'set session innodb_lock_wait_timeout = @session_lock_wait_timeout',

  codes: {
    isRetryable: (code) => RETRYABLE.includes(code),
    isSchemaMissing: (code) => ['ER_NO_SUCH_TABLE', 'ER_BAD_FIELD_ERROR'].includes(code),
    isConnection: (code) => CONNECTION.includes(code),
    isReadOnly: (code) => READ_ONLY.includes(code),
    isImpossibleValue: (code) => IMPOSSIBLE.includes(code),
  },

  placeholder: () => '?',
  encode: (_type, value) => value,
  divide: (dividend, divisor) => sql`(${dividend}) div ${divisor}`,
  least: (a, b) => sql`least(${a}, ${b})`,
  greatest: (a, b) => sql`greatest(${a}, ${b})`,
  // A column of type JSON would arrive parsed.
  jsonText: (column) => `cast(${column} as char)`,
  asText: (column) => `cast(${column} as char)`,
  sameText: (column, text) =>
    sql`cast(cast(${column} as char) as binary) = cast(${text} as binary)`,
  isOneOf: (column, ids) => sql`${column} in (${ids})`,

  rowsOf(json, columns) {
    const types = Object.entries(columns).map(
      ([name, type]) => `${name} ${ROW_TYPES[type]} path '$.${name}'`,
    );
    return sql`json_table(${json}, '$[*]' columns (${types.join(', ')})) as t`;
  },

  updateFrom({ target, key, rows, assignments, where }) {
    const list = assign(assignments, 's.');
    return sql`update ${rows} straight_join ${target} s force index (primary) on s.${key} = t.id
      set ${list} where ${where}`;
  },

  upsert({ table, values, onConflict }) {
    const changes = onConflict((column) => column);
    return sql`insert into ${table} ${columnsAndValues(values)}
      on duplicate key update ${assign(changes)}`;
  },

  patch(column, { set, remove }) {
    const document = sql`coalesce(${column}, json_object())`;
    // By RFC 7396, which removes what is null: the json_remove of MariaDB 10.11 overlooks a key outside ASCII where it is
    // the third of a call or a later one.
    const rest =
      remove.length === 0
        ? document
        : sql`json_merge_patch(${document}, ${new Parameter('dataRemove', 'text')})`;
    const removal = Object.fromEntries(remove.map((key) => [key, null]));
    const { expression, values } = patchByPath(
      rest,
      { set, remove: [] },
      {
        // MariaDB 10.11 takes a key that begins with "-" for no path at all, and the whole document becomes NULL.
        path: (key) => `$."${key.replace(/^-/, String.raw`\u002d`)}"`,
        parse: (text) => sql`json_extract(${text}, '$')`,
      },
    );
    return { expression, values: { ...values, dataRemove: JSON.stringify(removal) } };
  },

  async destroyConnection(queryRunner) {
    const connection = (await queryRunner.connect()) as { destroy(): void };
    connection.destroy();
    await queryRunner.release();
  },
};
