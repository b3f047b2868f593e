import { ConfigurableModuleBuilder } from '@nestjs/common';
import { DiscoveryModule } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';

import { sessionHttpProviders } from './session-http.providers.js';
import { sessionJobsProviders } from './session-jobs.providers.js';
import { sessionChannelProviders } from './session-channel.providers.js';
import { sessionHealthProviders } from './session-health.providers.js';
import { SESSION_MODULE_OPTIONS } from './session.constants.js';
import type { SessionModuleExtras, SessionModuleOptions } from './session.options.js';
import { sessionCoreProviders } from './session.providers.js';
import { SessionPrincipalEntity } from './store/session-principal.entity.js';
import { SessionEntity } from './store/session.entity.js';

/** What `useClass` and `useExisting` of `forRootAsync` name. */
export interface SessionOptionsFactory {
  createSessionOptions(): SessionModuleOptions | Promise<SessionModuleOptions>;
}

export const { ConfigurableModuleClass } = new ConfigurableModuleBuilder<SessionModuleOptions>({
  optionsInjectionToken: SESSION_MODULE_OPTIONS,
})
  .setClassMethodName('forRoot')
  .setFactoryMethodName('createSessionOptions')
  .setExtras<SessionModuleExtras>(
    { isGlobal: true, globalGuard: true, dataSource: 'default' },
    (definition, { isGlobal = true, globalGuard = true, dataSource = 'default' }) => ({
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
        ...sessionJobsProviders(),
        ...sessionHttpProviders(globalGuard),
      ],
    }),
  )
  .build();
