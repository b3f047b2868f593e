import { type DynamicModule, Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { SessionWorkerModule } from 'nestjs-curfew/worker';

import type { Settings } from './config.js';
import { databaseModule } from './database.module.js';
import { WorkerHealthModule } from './health/worker-health.module.js';
import { PurgeLog } from './purge-log.js';
import { sessionOptions } from './session-options.js';
import { User } from './users/user.entity.js';

/** The worker process: no HTTP but for its health, where a port is set. Run as many as you like; each job is done by one of them. */
@Module({})
export class WorkerModule {
  static register(settings: Settings): DynamicModule {
    return {
      module: WorkerModule,
      imports: [
        databaseModule(settings),
        TypeOrmModule.forFeature([User]),
        SessionWorkerModule.forRoot(sessionOptions(settings)),
        WorkerHealthModule,
      ],
      providers: [PurgeLog],
    };
  }
}
