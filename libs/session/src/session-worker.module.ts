import { ConfigurableModuleBuilder, Module } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';

import { SessionChannel } from './core/session-channel.js';
import { SessionEvents } from './core/session-events.js';
import { SessionService } from './core/session.service.js';
import { SessionHealthIndicator } from './health/session-health.indicator.js';
import { SessionJobs } from './jobs/session-jobs.js';
import { sessionChannelProviders } from './session-channel.providers.js';
import { sessionHealthProviders } from './session-health.providers.js';
import { SESSION_MODULE_OPTIONS } from './session.constants.js';
import { sessionWorkerProviders } from './session-jobs.providers.js';
import type { SessionModuleExtras, SessionModuleOptions } from './session.options.js';
import { sessionCoreProviders } from './session.providers.js';
import { SessionPrincipalEntity } from './store/session-principal.entity.js';
import { SessionEntity } from './store/session.entity.js';

/** Decided when the module is imported, before any options are known. */
export type SessionWorkerModuleExtras = Omit<SessionModuleExtras, 'globalGuard'>;

const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<SessionModuleOptions>({
  optionsInjectionToken: SESSION_MODULE_OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createSessionOptions')
  .setExtras<SessionWorkerModuleExtras>(
    { isGlobal: true, dataSource: 'default' },
    (definition, { isGlobal = true, dataSource = 'default' }) => ({
      ...definition,
      global: isGlobal,
      imports: [
        ...(definition.imports ?? []),
        DiscoveryModule,
        TypeOrmModule.forFeature([SessionEntity, SessionPrincipalEntity], dataSource),
      ],
      providers: [
        ...(definition.providers ?? []),
        ...sessionCoreProviders(dataSource),
        ...sessionChannelProviders(),
        ...sessionHealthProviders(),
        ...sessionWorkerProviders(),
      ],
    }),
  )
  .build();

/**
 * The worker process: purges on a schedule, and marks and announces the sessions of users whose sessions were ended
 * together. Takes the options of `SessionModule`, and no HTTP:
 *
 * ```ts
 * @Module({ imports: [TypeOrmModule.forRoot(…), SessionWorkerModule.forRoot(options)] })
 * class WorkerModule {}
 *
 * const worker = await NestFactory.createApplicationContext(WorkerModule);
 * worker.enableShutdownHooks();
 * ```
 *
 * Starts with the application, whether or not the queue can be reached. On shutdown it takes no more jobs, stops the one
 * that runs between two statements and disconnects, all before the data source is closed.
 */
@Module({
  exports: [SessionService, SessionEvents, SessionJobs, SessionChannel, SessionHealthIndicator],
})
export class SessionWorkerModule extends ConfigurableModuleClass {}
