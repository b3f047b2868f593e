import { setImmediate } from 'node:timers/promises';

import { Logger, type Type } from '@nestjs/common';

import { describeFailure } from './describe-failure.js';
import { sweepJob, type SessionJob } from './job-payload.js';
import { loadPeer } from './load-peer.js';
import { asksForAnother, type SessionJobRunner } from './session-job-runner.js';
import { SessionJobs } from './session-jobs.js';

/** The part of `SchedulerRegistry` that the driver uses. */
interface IntervalRegistry {
  doesExist(type: 'interval', name: string): boolean;
  addInterval(name: string, interval: NodeJS.Timeout): void;
  deleteInterval(name: string): void;
}

/** Finds a provider of the application, wherever it is; `undefined` where there is none. */
export type ProviderLookup = <T>(token: Type<T>) => T | undefined;

/** Name of the interval in the registry; a second module in one application counts on from it. */
const INTERVAL_NAME = 'session-purge';

/**
 * Runs the purge in this process, now and then every `everyMs` milliseconds, and a sweep as soon as it is asked for. Neither
 * overlaps itself: a tick during a purge is skipped, and users that come during a sweep are swept after it.
 */
export class InProcessJobs extends SessionJobs {
  readonly #logger = new Logger('SessionJobs');
  readonly #stopping = new AbortController();
  readonly #pending = new Set<string>();
  #sweeping: Promise<void> | undefined;
  #purging: Promise<void> | undefined;
  #stopInterval = (): void => {};

  /** @param find where the application's own `SchedulerRegistry` is found, so that it lists the interval. */
  constructor(
    private readonly runner: SessionJobRunner,
    private readonly everyMs: number,
    private readonly find: ProviderLookup = () => undefined,
  ) {
    super();
  }

  override requestSweep(userId: string): void {
    if (this.#stopping.signal.aborted) return;
    this.#pending.add(userId);
    this.#sweeping ??= this.#sweepPending();
  }

  override async start(): Promise<void> {
    const { SchedulerRegistry } = await loadPeer(
      '@nestjs/schedule',
      '`jobs.driver: "in-process"`',
      () => import('@nestjs/schedule'),
    );
    if (this.#stopping.signal.aborted) return;
    this.#schedule(this.find(SchedulerRegistry) ?? new SchedulerRegistry());
    this.#requestPurge();
  }

  override async close(): Promise<void> {
    this.#stopping.abort();
    this.#stopInterval();
    await Promise.all([this.#purging, this.#sweeping]);
  }

  #schedule(registry: IntervalRegistry): void {
    const interval = setInterval(() => this.#requestPurge(), this.everyMs).unref();
    let name = INTERVAL_NAME;
    for (let count = 2; registry.doesExist('interval', name); count += 1) {
      name = `${INTERVAL_NAME}-${count}`;
    }
    registry.addInterval(name, interval);
    this.#stopInterval = () => {
      clearInterval(interval);
      // @nestjs/schedule empties its registry in the same shutdown hook, perhaps earlier.
      if (registry.doesExist('interval', name)) registry.deleteInterval(name);
    };
  }

  #requestPurge(): void {
    this.#purging ??= this.#purge();
  }

  async #purge(): Promise<void> {
    let again: boolean;
    do {
      again = await this.#run({ name: 'purge' });
    } while (again);
    this.#purging = undefined;
  }

  async #sweepPending(): Promise<void> {
    // The request that asked is answered first.
    await setImmediate();
    for (const userId of this.#pending) {
      this.#pending.delete(userId);
      await this.#run(sweepJob(userId));
    }
    this.#sweeping = undefined;
  }

  /** Never rejects. @returns whether the same job should run again at once. */
  async #run(job: SessionJob): Promise<boolean> {
    const { signal } = this.#stopping;
    if (signal.aborted) return false;
    try {
      const outcome = await this.runner.run(job, signal);
      return asksForAnother(outcome) && !signal.aborted;
    } catch (error) {
      this.#logger.warn(`job failed name=${job.name}: ${describeFailure(error)}`);
      return false;
    }
  }
}
