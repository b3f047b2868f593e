import type { Dialect } from './dialect.js';
import { mysql } from './mysql.js';

/** MariaDB 10.6 or newer, where TypeORM's driver is told that it is one. */
export const mariadb: Dialect = {
  ...mysql,
  hasDeleteReturning: true,
  // For this statement only: with it MariaDB 10.11 fails a SKIP LOCKED that finds a locked row (error 1180).
  withoutWaiting: 'set statement innodb_lock_wait_timeout = 0 for',
};
