import { Module, type DynamicModule, type Provider } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { DataSourceOptions } from 'typeorm';

import { minutes } from '../../libs/session/src/core/duration.js';
import { SessionModule } from '../../libs/session/src/session.module.js';
import type {
  SessionJobsOptions,
  SessionModuleOptions,
} from '../../libs/session/src/session.options.js';
import { SessionWorkerModule } from '../../libs/session/src/session-worker.module.js';
import { ACCOUNT_PRINCIPAL, ENTITIES } from './session-store.js';

/** A process of an application: a web process, or one that runs the jobs. */
export interface CrashProcess {
  readonly role: 'web' | 'worker';
  readonly database: DataSourceOptions;
  readonly jobs: SessionJobsOptions;
}

@Module({})
class CrashModule {}

/** The module of one process. Where it runs its jobs itself, a worker is a web process without a request. */
export function crashModule(
  { role, database, jobs }: CrashProcess,
  providers: Provider[] = [],
): DynamicModule {
  const options: SessionModuleOptions = {
    secret: 'a secret of at least thirty-two bytes',
    // Each use of a session is worth a write, and each rotation is due.
    touchIntervalMs: 1,
    rotationIntervalMs: minutes(1),
    // A web process that runs its jobs itself does so once, at its start.
    purge: { everyMs: role === 'web' ? minutes(10) : 1000 },
    principal: ACCOUNT_PRINCIPAL,
    channel: { driver: 'none' },
    jobs,
  };
  const isWorker = role === 'worker' && jobs.driver === 'bullmq';
  return {
    module: CrashModule,
    imports: [
      TypeOrmModule.forRoot({ ...database, entities: ENTITIES, retryAttempts: 0 }),
      isWorker ? SessionWorkerModule.forRoot(options) : SessionModule.forRoot(options),
    ],
    providers,
  };
}
