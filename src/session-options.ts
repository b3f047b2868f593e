import { days, type SessionJobsOptions, type SessionModuleOptions } from 'nestjs-curfew';

import type { JobsSetting, Settings } from './config.js';
import { User } from './users/user.entity.js';

/** The options of both processes: they must agree, since the worker ends what the web process issued. */
export function sessionOptions({ session, jobs }: Settings): SessionModuleOptions {
  const { idleTimeoutMs, absoluteTimeoutMs } = session;
  return {
    secret: session.secrets,
    policies: {
      default: { idleTimeoutMs, absoluteTimeoutMs },
      anonymous: { idleTimeoutMs, absoluteTimeoutMs },
      remembered: { idleTimeoutMs: days(14), absoluteTimeoutMs: days(90), persistent: true },
    },
    touchIntervalMs: session.touchIntervalMs,
    ...(session.retentionMs === undefined ? {} : { retentionMs: session.retentionMs }),
    purge: {
      ...(session.purgeEveryMs === undefined ? {} : { everyMs: session.purgeEveryMs }),
      ...(session.purgeBucketMs === undefined ? {} : { bucketMs: session.purgeBucketMs }),
    },
    principal: { entity: User, credentials: ['passwordHash'], disabled: 'disabledAt' },
    cookie: { secure: session.cookieSecure },
    jobs: jobsOptions(jobs),
  };
}

function jobsOptions(jobs: JobsSetting): SessionJobsOptions {
  if (jobs.driver !== 'bullmq') return jobs;
  return { driver: 'bullmq', backend: jobs.backend, connection: { url: jobs.url } };
}
