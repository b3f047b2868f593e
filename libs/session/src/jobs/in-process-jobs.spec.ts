import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { SchedulerRegistry } from '@nestjs/schedule';

import { captureLogs } from '../../../../test/support/captured-logger.js';
import { SessionEvents } from '../core/session-events.js';
import { SessionPurge, type PurgeReport } from '../core/session-purge.js';
import { SessionSweep } from '../invalidation/session-sweep.js';
import { MemorySessionStore } from '../testing/memory-session-store.js';
import { InProcessJobs } from './in-process-jobs.js';
import type { SessionJob } from './job-payload.js';
import { SessionJobRunner, type JobOutcome } from './session-job-runner.js';

class UnusedPurge extends SessionPurge {
  run(): Promise<PurgeReport> {
    throw new Error('The runner is scripted.');
  }
}

/** A runner whose jobs end when the test says so. */
class ScriptedRunner extends SessionJobRunner {
  readonly started: SessionJob[] = [];
  readonly #open: { resolve(outcome: JobOutcome): void; reject(error: Error): void }[] = [];

  constructor() {
    super(new SessionSweep(new MemorySessionStore(), new SessionEvents()), new UnusedPurge(), 1000);
  }

  override run(job: SessionJob, signal: AbortSignal): Promise<JobOutcome> {
    this.started.push(job);
    return new Promise((resolve, reject) => {
      this.#open.push({ resolve, reject });
      signal.addEventListener('abort', () => resolve({ announced: 0, report: null }));
    });
  }

  finish(report: Partial<PurgeReport> = {}): void {
    const complete = { deleted: 0, more: false, ...report } as PurgeReport;
    this.#open.shift()?.resolve({ announced: 0, report: complete });
  }

  fail(): void {
    this.#open.shift()?.reject(new Error('database down'));
  }

  count(name: SessionJob['name']): number {
    return this.started.filter((job) => job.name === name).length;
  }
}

const EVERY_MS = 60_000;

const logs = captureLogs();

function arrange(registry = new SchedulerRegistry()) {
  const runner = new ScriptedRunner();
  const find = <T>(): T | undefined => registry as T;
  return { runner, registry, jobs: new InProcessJobs(runner, EVERY_MS, find) };
}

describe('InProcessJobs', () => {
  beforeEach(() => void jest.useFakeTimers({ doNotFake: ['setImmediate', 'nextTick'] }));
  afterEach(() => void jest.useRealTimers());

  const turns = async (): Promise<void> => {
    for (let count = 0; count < 3; count += 1)
      await new Promise((resolve) => setImmediate(resolve));
  };

  it('purges at the start and then every interval', async () => {
    const { runner, jobs } = arrange();
    await jobs.start();
    expect(runner.count('purge')).toBe(1);
    runner.finish();
    await turns();
    await jest.advanceTimersByTimeAsync(EVERY_MS);
    expect(runner.count('purge')).toBe(2);
    await jobs.close();
  });

  it('skips the ticks during a purge', async () => {
    const { runner, jobs } = arrange();
    await jobs.start();
    await jest.advanceTimersByTimeAsync(3 * EVERY_MS);
    expect(runner.count('purge')).toBe(1);
    await jobs.close();
  });

  it('purges again at once when rows were left', async () => {
    const { runner, jobs } = arrange();
    await jobs.start();
    runner.finish({ more: true, deleted: 10 });
    await turns();
    expect(runner.count('purge')).toBe(2);
    await jobs.close();
  });

  it('goes on after a purge that failed', async () => {
    const { runner, jobs } = arrange();
    await jobs.start();
    runner.fail();
    await turns();
    expect(logs.join()).toContain('job failed name=purge');
    await jest.advanceTimersByTimeAsync(EVERY_MS);
    expect(runner.count('purge')).toBe(2);
    await jobs.close();
  });

  it('sweeps a user during a purge, after the caller has gone on', async () => {
    const { runner, jobs } = arrange();
    await jobs.start();
    jobs.requestSweep('ann');
    expect(runner.count('revoke-user')).toBe(0);
    await turns();
    expect(runner.started).toContainEqual({ name: 'revoke-user', userId: 'ann' });
    await jobs.close();
  });

  it('sweeps a user once for many requests, and again for one that comes during the sweep', async () => {
    const { runner, jobs } = arrange();
    for (let count = 0; count < 5; count += 1) jobs.requestSweep('ann');
    await turns();
    expect(runner.count('revoke-user')).toBe(1);
    jobs.requestSweep('ann');
    await turns();
    expect(runner.count('revoke-user')).toBe(1);
    runner.finish();
    await turns();
    expect(runner.count('revoke-user')).toBe(2);
    runner.finish();
    await turns();
    jobs.requestSweep('bob');
    await turns();
    expect(runner.count('revoke-user')).toBe(3);
    await jobs.close();
  });

  it('lists its interval in the registry, beside that of a second module', async () => {
    const { registry, jobs } = arrange();
    const second = arrange(registry).jobs;
    await jobs.start();
    await second.start();
    expect(registry.getIntervals()).toEqual(['session-purge', 'session-purge-2']);
    await jobs.close();
    expect(registry.getIntervals()).toEqual(['session-purge-2']);
    await second.close();
    expect(registry.getIntervals()).toEqual([]);
  });

  it('closes although the registry was emptied before', async () => {
    const { registry, jobs } = arrange();
    await jobs.start();
    registry.deleteInterval('session-purge');
    await jobs.close();
    expect(jest.getTimerCount()).toBe(0);
  });

  it('stops what runs when it is closed, and takes no more requests', async () => {
    const { runner, jobs } = arrange();
    await jobs.start();
    jobs.requestSweep('ann');
    await turns();
    await jobs.close();
    await jobs.close();
    jobs.requestSweep('bob');
    await turns();
    expect(runner.started).toEqual([{ name: 'purge' }, { name: 'revoke-user', userId: 'ann' }]);
    expect(jest.getTimerCount()).toBe(0);
  });
});
