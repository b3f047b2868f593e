import type { Provider } from '@nestjs/common';

import { SessionChannel } from './core/session-channel.js';
import { SessionEvents } from './core/session-events.js';
import { SessionStore } from './core/session-store.js';
import { purgeLimits } from './health/health-warnings.js';
import { SessionLog } from './health/session-log.js';
import { SessionHealthWatch } from './health/session-health-watch.js';
import { SessionHealthIndicator } from './health/session-health.indicator.js';
import { SessionJobs } from './jobs/session-jobs.js';
import { SessionMetrics } from './metrics/session-metrics.js';
import { SESSION_OPTIONS } from './session.constants.js';
import type { ResolvedSessionOptions } from './session.options-check.js';

/** How an application sees its sessions: health, logs and metrics. */
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
      provide: SessionLog,
      inject: [SessionEvents],
      useFactory: (events: SessionEvents) => new SessionLog(events),
    },
    {
      provide: SessionMetrics,
      inject: [SESSION_OPTIONS],
      useFactory: ({ metrics }: ResolvedSessionOptions) => new SessionMetrics(metrics),
    },
    {
      provide: SessionHealthWatch,
      inject: [SessionHealthIndicator],
      useFactory: (health: SessionHealthIndicator) => new SessionHealthWatch(health),
    },
  ];
}
