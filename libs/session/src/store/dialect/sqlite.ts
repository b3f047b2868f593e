import { sql } from '../sql.js';
import type { Dialect } from './dialect.js';
import { patchByPath } from './json-path.js';
import { assign, upsert } from './standard-sql.js';

/** SQLite 3.42 or newer, by better-sqlite3. */
export const sqlite: Dialect = {
  now: `(cast(round(unixepoch('subsec') * 1000) as integer))`,
  isolationLevel: undefined,
  hasReturning: true,
  hasDeleteReturning: true,
  locksWhatUpdatesRead: false,
  hasOneConnection: true,
  lockRows: '',
  lockRowsOrFail: '',
  withoutWaiting: '',
  hasWritingCte: false,
  byPrimaryKey: '',
  rowAddress: null,
  fromNothing: '',
  limitPurge: null,
  unlimitPurge: null,

  codes: {
    isRetryable: (code) => code.startsWith('SQLITE_BUSY'),
    isSchemaMissing: (_code, message) => /^no such (table|column)/.test(message),
    isConnection: (code) => /^SQLITE_(CANTOPEN|READONLY|NOTADB)/.test(code),
    isReadOnly: () => false,
    isImpossibleValue: () => false,
  },

  // better-sqlite3 binds numbers as floating point, and their quotients would be too.
  placeholder: (type) => (type === 'integer' ? 'cast(? as integer)' : '?'),
  encode: (type, value) => (type === 'ids' ? JSON.stringify(value) : value),
  divide: (dividend, divisor) => sql`(${dividend}) / ${divisor}`,
  least: (a, b) => sql`min(${a}, ${b})`,
  greatest: (a, b) => sql`max(${a}, ${b})`,
  jsonText: (column) => column,
  asText: (column) => `cast(${column} as text)`,
  sameText: (column, text) => sql`cast(${column} as text) collate binary = ${text}`,
  isOneOf: (column, ids) => sql`${column} in (select value from json_each(${ids}))`,

  rowsOf(json, columns) {
    const list = Object.keys(columns).map((name) => `value ->> '$.${name}' as ${name}`);
    return sql`(select ${list.join(', ')} from json_each(${json})) as t`;
  },

  updateFrom({ target, key, rows, assignments, where }) {
    return sql`update ${target} as s set ${assign(assignments)} from ${rows}
      where s.${key} = t.id and ${where}`;
  },

  upsert,

  patch: (column, patch) =>
    patchByPath(sql`coalesce(${column}, '{}')`, patch, {
      path: (key) => `$."${key}"`,
      parse: (text) => sql`json(${text})`,
    }),

  // There is one connection, and its calls do not wait.
  async destroyConnection() {},
};
