import 'reflect-metadata';

import { SessionEntity, SessionPrincipalEntity } from 'nestjs-curfew';
import { runSessionMigrations } from 'nestjs-curfew/migrations';
import { DataSource, type DataSourceOptions } from 'typeorm';

/** Runs `work` on a database that has Curfew's tables. */
export async function withTables<T>(
  options: DataSourceOptions,
  work: (dataSource: DataSource) => Promise<T>,
): Promise<T> {
  const entities = [SessionEntity, SessionPrincipalEntity];
  const dataSource = await new DataSource({ ...options, entities }).initialize();
  try {
    await runSessionMigrations(dataSource);
    return await work(dataSource);
  } finally {
    await dataSource.destroy();
  }
}
