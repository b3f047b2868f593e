import type { Provider } from '@nestjs/common';

import { SessionChannel } from './core/session-channel.js';
import { SessionStore } from './core/session-store.js';
import { purgeLimits } from './health/health-warnings.js';
import { SessionHealthWatch } from './health/session-health-watch.js';
import { SessionHealthIndicator } from './health/session-health.indicator.js';
import { SessionJobs } from './jobs/session-jobs.js';
import { SESSION_OPTIONS } from './session.constants.js';
import type { ResolvedSessionOptions } from './session.options-check.js';

/** The health of sessions: asked for by the application, and watched and logged by itself. */
export function sessionHealthProviders(): Provider[] {
  return [
    {
      provide: SessionHealthIndicator,
      inject: [SessionStore, SessionJobs, SessionChannel, SESSION_OPTIONS],
      useFactory: (
        store: SessionStore,
        jobs: SessionJobs,
        channel: SessionChannel,
        options: ResolvedSessionOptions,
      ) => new SessionHealthIndicator(store, jobs, channel, purgeLimits(options)),
    },
    {
      provide: SessionHealthWatch,
      inject: [SessionHealthIndicator],
      useFactory: (health: SessionHealthIndicator) => new SessionHealthWatch(health),
    },
  ];
}
