import 'reflect-metadata';

import { SessionEntity, SessionPrincipalEntity } from 'nestjs-curfew';
import { runSessionMigrations } from 'nestjs-curfew/migrations';
import { DataSource } from 'typeorm';

import { handle } from '../processes/handlers.js';

handle({
  async migrate(url: string): Promise<void> {
    const entities = [SessionEntity, SessionPrincipalEntity];
    const dataSource = await new DataSource({ type: 'postgres', url, entities }).initialize();
    try {
      await runSessionMigrations(dataSource);
    } finally {
      await dataSource.destroy();
    }
  },
});
