import type { Provider } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';

import { SessionError } from './core/errors.js';
import { SessionEvents } from './core/session-events.js';
import { SessionPurge } from './core/session-purge.js';
import { SessionStore } from './core/session-store.js';
import { SessionSweep } from './invalidation/session-sweep.js';
import { BullmqJobs } from './jobs/bullmq-jobs.js';
import { BullmqWorker } from './jobs/bullmq-worker.js';
import { InProcessJobs, type ProviderLookup } from './jobs/in-process-jobs.js';
import type { QueueSettings } from './jobs/job-queue.js';
import { NoJobs } from './jobs/no-jobs.js';
import { SessionJobRunner } from './jobs/session-job-runner.js';
import { SessionJobsLifecycle } from './jobs/session-jobs-lifecycle.js';
import { SessionJobs } from './jobs/session-jobs.js';
import { SessionWorker } from './jobs/session-worker.js';
import { lookupIn } from './provider-lookup.js';
import { SESSION_OPTIONS } from './session.constants.js';
import type { ResolvedSessionOptions } from './session.options-check.js';
import type { BullmqJobsOptions } from './session.options.js';

/** What the factories of this file need besides the options. */
export interface SessionJobsDependencies {
  readonly runner: SessionJobRunner;
  /** Where the in-process driver finds the application's `SchedulerRegistry`; without it, it makes one. */
  readonly find?: ProviderLookup;
}

/** The jobs of a process, by the driver that the options name. */
export function createSessionJobs(
  { jobs, purge }: ResolvedSessionOptions,
  { runner, find }: SessionJobsDependencies,
): SessionJobs {
  switch (jobs.driver) {
    case 'bullmq':
      return new BullmqJobs(queueSettings(jobs));
    case 'in-process':
      return new InProcessJobs(runner, purge.everyMs, find);
    case 'none':
      return new NoJobs();
  }
}

/**
 * The worker of a process, by the driver that the options name; `null` for `in-process`, whose jobs run themselves.
 * @throws `SESSION_OPTIONS_INVALID` for `none`: a worker that does nothing would look like one that works.
 */
export function createSessionWorker(
  { jobs, purge }: ResolvedSessionOptions,
  { runner }: SessionJobsDependencies,
): SessionWorker | null {
  switch (jobs.driver) {
    case 'bullmq':
      return new BullmqWorker(queueSettings(jobs), runner, purge.everyMs);
    case 'in-process':
      return null;
    case 'none':
      throw new SessionError(
        'SESSION_OPTIONS_INVALID',
        'Expected `jobs.driver` of SessionWorkerModule to be "bullmq" or "in-process", got "none". Leave the module out where nothing is to run.',
      );
  }
}

/** The jobs of a web process: `SessionJobs`, started and stopped with the application. */
export function sessionJobsProviders(): Provider[] {
  return [
    ...jobsProviders,
    {
      provide: SessionJobsLifecycle,
      inject: [SessionEvents, SessionJobs],
      useFactory: (events: SessionEvents, jobs: SessionJobs) =>
        new SessionJobsLifecycle(events, jobs),
    },
  ];
}

/** The jobs of a worker process: `SessionJobs` and `SessionWorker`, started and stopped with the application. */
export function sessionWorkerProviders(): Provider[] {
  return [
    ...jobsProviders,
    {
      provide: SessionWorker,
      inject: [SESSION_OPTIONS, SessionJobRunner],
      useFactory: (options: ResolvedSessionOptions, runner: SessionJobRunner) =>
        createSessionWorker(options, { runner }),
    },
    {
      provide: SessionJobsLifecycle,
      inject: [SessionEvents, SessionJobs, SessionWorker],
      useFactory: (events: SessionEvents, jobs: SessionJobs, worker: SessionWorker | null) =>
        new SessionJobsLifecycle(events, jobs, worker),
    },
  ];
}

const jobsProviders: readonly Provider[] = [
  {
    provide: SessionSweep,
    inject: [SessionStore, SessionEvents],
    useFactory: (store: SessionStore, events: SessionEvents) => new SessionSweep(store, events),
  },
  {
    provide: SessionJobRunner,
    inject: [SessionSweep, SessionPurge, SESSION_OPTIONS],
    useFactory: (sweep: SessionSweep, purge: SessionPurge, options: ResolvedSessionOptions) =>
      new SessionJobRunner(sweep, purge, options.purge.budgetMs),
  },
  {
    provide: SessionJobs,
    inject: [SESSION_OPTIONS, SessionJobRunner, ModuleRef],
    useFactory: (options: ResolvedSessionOptions, runner: SessionJobRunner, modules: ModuleRef) =>
      createSessionJobs(options, { runner, find: lookupIn(modules) }),
  },
];

function queueSettings({
  backend = 'redis',
  queueName = 'session',
  connection,
  prefix,
}: BullmqJobsOptions): QueueSettings {
  return { backend, queueName, connection, ...(prefix === undefined ? {} : { prefix }) };
}
