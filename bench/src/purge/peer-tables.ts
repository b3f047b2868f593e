import type { DatabaseName, TableName } from './backlog.js';

/** The tables of peers, as their own packages make them. Curfew's are made by its migrations. */
export function peerTable(table: TableName, database: DatabaseName): readonly string[] {
  const time = { postgres: 'timestamptz', mariadb: 'datetime(6)', sqlite: 'datetime' }[database];
  if (table === 'session') {
    return [
      'create table session (sid varchar not null primary key, sess json not null, expire timestamp(6) not null)',
      'create index "IDX_session_expire" on session (expire)',
    ];
  }
  if (table === 'django_session') {
    const text = database === 'mariadb' ? 'longtext' : 'text';
    return [
      `create table django_session (session_key varchar(40) not null primary key, session_data ${text} not null, expire_date ${time} not null)`,
      'create index django_session_expire_date on django_session (expire_date)',
    ];
  }
  return [];
}

/** The statement that deletes all that is overdue at once. */
export function deletionOf(table: TableName, database: DatabaseName): string {
  if (table === 'session') return 'delete from session where expire < now()';
  if (table === 'django_session') {
    const now = { postgres: 'now()', mariadb: 'utc_timestamp(6)', sqlite: `datetime('now')` };
    return `delete from django_session where expire_date < ${now[database]}`;
  }
  return `delete from sessions where purge_at <= ${nowOf(database)}`;
}

/** The statement that deletes some of what is overdue: the most overdue first, as is usually advised. */
export function loopedDeletionOf(database: DatabaseName, limit: number): string {
  const which = `where purge_at <= ${nowOf(database)} order by purge_at limit ${limit}`;
  if (database === 'mariadb') return `delete from sessions ${which}`;
  const skipping = database === 'postgres' ? 'for update skip locked' : '';
  return `delete from sessions where id in (select id from sessions ${which} ${skipping})`;
}

function nowOf(database: DatabaseName): string {
  return {
    postgres: '(extract(epoch from now()) * 1000)::bigint',
    mariadb: 'cast(unix_timestamp() * 1000 as signed)',
    sqlite: `cast(unixepoch('subsec') * 1000 as integer)`,
  }[database];
}
