import type { DataSourceOptions } from 'typeorm';

export type DatabaseName = 'postgres' | 'mariadb' | 'sqlite';

/** Curfew's table, connect-pg-simple's and Django's. */
export type TableName = 'sessions' | 'session' | 'django_session';

/** A table with rows of which a share is overdue, without any order. */
export interface Backlog {
  readonly table: TableName;
  readonly rows: number;
  /** 0 to 1. */
  readonly share: number;
}

/** Backlogs on one kind of database. To make one takes long: it is made once, and copied for each measurement. */
export interface Backlogs {
  /** A fresh copy of a backlog, in a database that has Curfew's tables too. The copy before it is gone. */
  restore(backlog: Backlog): Promise<DataSourceOptions>;
  drop(): Promise<void>;
}

export function nameOf({ table, share }: Backlog): string {
  return `${table}_${share * 1000}`;
}
