import type { DataSource } from 'typeorm';

import { SessionError } from '../../core/errors.js';
import type { Dialect } from './dialect.js';
import { mariadb } from './mariadb.js';
import { mysql } from './mysql.js';
import { postgres } from './postgres.js';
import { sqlite } from './sqlite.js';

const DIALECTS: Readonly<Record<string, Dialect>> = {
  postgres,
  mysql,
  mariadb,
  'better-sqlite3': sqlite,
};

/** @throws `SESSION_DATABASE_UNSUPPORTED` */
export function dialectOf({ options: { type } }: DataSource): Dialect {
  const dialect = Object.hasOwn(DIALECTS, type) ? DIALECTS[type] : undefined;
  if (dialect !== undefined) return dialect;
  throw new SessionError(
    'SESSION_DATABASE_UNSUPPORTED',
    `Expected a data source of type ${Object.keys(DIALECTS).join(', ')}, got "${type}".`,
  );
}
