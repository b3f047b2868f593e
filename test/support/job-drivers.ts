import { SchedulerRegistry } from '@nestjs/schedule';

import { SessionEvents } from '../../libs/session/src/core/session-events.js';
import type { SessionStore } from '../../libs/session/src/core/session-store.js';
import { SessionSweep } from '../../libs/session/src/invalidation/session-sweep.js';
import { BullmqJobs } from '../../libs/session/src/jobs/bullmq-jobs.js';
import { BullmqWorker } from '../../libs/session/src/jobs/bullmq-worker.js';
import { InProcessJobs } from '../../libs/session/src/jobs/in-process-jobs.js';
import type { QueueSettings } from '../../libs/session/src/jobs/job-queue.js';
import { SessionJobRunner } from '../../libs/session/src/jobs/session-job-runner.js';
import type { SessionJobs } from '../../libs/session/src/jobs/session-jobs.js';
import { PurgeRunner } from '../../libs/session/src/purge/purge-runner.js';

const BUDGET_MS = 5000;

/** The jobs of one deployment: what asks for them, and as many workers as are started. */
export interface TestJobs {
  readonly jobs: SessionJobs;
  /** Starts a process that runs the jobs. @returns the events of that process. */
  startWorker(): Promise<SessionEvents>;
  close(): Promise<void>;
}

function runnerOn(store: SessionStore): { events: SessionEvents; runner: SessionJobRunner } {
  const events = new SessionEvents();
  const sweep = new SessionSweep(store, events);
  return { events, runner: new SessionJobRunner(sweep, new PurgeRunner(store, events), BUDGET_MS) };
}

/** One process that asks and runs. */
export function inProcessJobs(store: SessionStore, everyMs: number): TestJobs {
  const { events, runner } = runnerOn(store);
  const jobs = new InProcessJobs(runner, everyMs, () => new SchedulerRegistry() as never);
  return {
    jobs,
    async startWorker() {
      await jobs.start();
      return events;
    },
    close: () => jobs.close(),
  };
}

/** One process that asks, and others that run. */
export function bullmqJobs(
  settings: QueueSettings,
  store: SessionStore,
  everyMs: number,
): TestJobs {
  const jobs = new BullmqJobs(settings);
  const workers: BullmqWorker[] = [];
  return {
    jobs,
    async startWorker() {
      const { events, runner } = runnerOn(store);
      const worker = new BullmqWorker(settings, runner, everyMs);
      workers.push(worker);
      await worker.start();
      return events;
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.close()));
      await jobs.close();
    },
  };
}
