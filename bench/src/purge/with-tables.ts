import 'reflect-metadata';

import { DataSource, type DataSourceOptions } from 'typeorm';

/** Runs `work` on a database that has Curfew's tables. */
export async function withTables<T>(
  options: DataSourceOptions,
  work: (dataSource: DataSource) => Promise<T>,
): Promise<T> {
  // Loaded when it is needed: to list the scenarios, and to render what they found, takes none of the bench's packages.
  const { SessionEntity, SessionPrincipalEntity } = await import('nestjs-curfew');
  const { runSessionMigrations } = await import('nestjs-curfew/migrations');
  const entities = [SessionEntity, SessionPrincipalEntity];
  const dataSource = await new DataSource({ ...options, entities }).initialize();
  try {
    await runSessionMigrations(dataSource);
    return await work(dataSource);
  } finally {
    await dataSource.destroy();
  }
}
