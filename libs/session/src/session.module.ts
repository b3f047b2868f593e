import { Module, type BeforeApplicationShutdown } from '@nestjs/common';

import { SessionChannel } from './core/session-channel.js';
import { SessionEvents } from './core/session-events.js';
import { SessionService } from './core/session.service.js';
import { SessionHealthIndicator } from './health/session-health.indicator.js';
import { OpenConnections } from './http/open-connections.js';
import { SessionGuard } from './http/session.guard.js';
import { SessionInterceptor } from './http/session.interceptor.js';
import { SocketConnections } from './http/socket-connections.js';
import { StreamConnections } from './http/stream-connections.js';
import { SessionJobs } from './jobs/session-jobs.js';
import { SESSION_GLOBAL_GUARD, SESSION_OPTIONS } from './session.constants.js';
import { ConfigurableModuleClass } from './session.module-definition.js';

/**
 * Sessions for a Nest application: every route needs a signed-in session unless it says `@Public()` or
 * `@SkipSession()`.
 *
 * ```ts
 * SessionModule.forRoot({ secret: process.env.SESSION_SECRET! })
 * SessionModule.forRootAsync({ inject: [Config], useFactory: (config: Config) => config.session })
 * ```
 *
 * Needs a TypeORM data source with `autoLoadEntities: true`, or with `SessionEntity` and `SessionPrincipalEntity` among
 * its entities, and the migrations of `nestjs-curfew/migrations`.
 *
 * @throws `SESSION_OPTIONS_INVALID` at boot, with every problem of the options
 */
@Module({
  exports: [
    SessionService,
    SessionEvents,
    SessionGuard,
    SessionInterceptor,
    OpenConnections,
    SocketConnections,
    StreamConnections,
    SessionJobs,
    SessionChannel,
    SessionHealthIndicator,
    SESSION_OPTIONS,
    SESSION_GLOBAL_GUARD,
  ],
})
export class SessionModule extends ConfigurableModuleClass implements BeforeApplicationShutdown {
  constructor(private readonly sessions: SessionService) {
    super();
  }

  /** @internal Writes the touches that are pending while the data source is still there. */
  beforeApplicationShutdown(): Promise<void> {
    return this.sessions.flushTouches();
  }
}
