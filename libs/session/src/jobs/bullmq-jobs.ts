import { setImmediate } from 'node:timers/promises';

import { Logger } from '@nestjs/common';

import { createQueueBackend } from './bullmq-backend.js';
import { withDeadline } from './deadline.js';
import { encodeJob, sweepJob } from './job-payload.js';
import type { QueueBackend, QueueProducer, QueueSettings } from './job-queue.js';
import { OutageLog } from './outage-log.js';
import { PRODUCER_DEADLINE_MS, PURGE_SCHEDULER } from './queue-defaults.js';
import type { QueueState } from './queue-state.js';
import { SessionJobs } from './session-jobs.js';

/** Most users waiting to be enqueued; more are left to the recurring purge. */
const MAX_PENDING = 10_000;

/** A sweep that meets a failing database is tried again within half a minute, then left to the recurring purge. */
const SWEEP_OPTIONS = { attempts: 5, backoff: { type: 'exponential', delay: 1000 } } as const;

/** The server answers, and no worker has ever been there. */
const NEVER_PREPARED: QueueState = { workers: 0, purgeDueInMs: null, evictionPolicy: null };

/**
 * Adds jobs to the queue and runs none. Connects with the first request, one attempt at a time, and forgets a connection
 * that failed: what could not be added within the deadline is dropped, and the next request begins anew.
 */
export class BullmqJobs extends SessionJobs {
  readonly #outage = new OutageLog(new Logger('SessionJobs'), 'queue');
  readonly #pending = new Set<string>();
  #flushing: Promise<void> | undefined;
  #backend: Promise<QueueBackend> | undefined;
  #producer: QueueProducer | undefined;
  #isClosed = false;

  constructor(
    private readonly settings: QueueSettings,
    private readonly deadlineMs = PRODUCER_DEADLINE_MS,
  ) {
    super();
  }

  override requestSweep(userId: string): void {
    if (this.#isClosed || this.#pending.size >= MAX_PENDING) return;
    this.#pending.add(userId);
    this.#flushing ??= this.#flush();
  }

  override async inspectQueue(): Promise<QueueState> {
    try {
      const state = await withDeadline(this.#inspect(), this.deadlineMs);
      this.#outage.succeeded();
      return state;
    } catch (error) {
      const backend = await this.#loadBackend();
      if (backend.isUnprepared(error)) {
        this.#drop();
        return NEVER_PREPARED;
      }
      this.#forget(error, 'sweeps are left to the recurring purge');
      throw error;
    }
  }

  override async start(): Promise<void> {
    await this.#loadBackend();
  }

  override async close(): Promise<void> {
    this.#isClosed = true;
    await this.#flushing;
    const producer = this.#producer;
    this.#producer = undefined;
    if (producer === undefined) return;
    await withDeadline(producer.close(), this.deadlineMs).catch(() => {});
    producer.cut();
  }

  async #flush(): Promise<void> {
    // The request that asked is answered first.
    await setImmediate();
    while (this.#pending.size > 0) {
      const userIds = [...this.#pending];
      this.#pending.clear();
      try {
        await withDeadline(this.#enqueue(userIds), this.deadlineMs);
        this.#outage.succeeded();
      } catch (error) {
        this.#forget(error, `${userIds.length} sweeps left to the recurring purge`);
      }
    }
    // In the same step as the check above, so that no request falls between the two.
    this.#flushing = undefined;
  }

  async #enqueue(userIds: readonly string[]): Promise<void> {
    const { queue } = await this.#connected();
    const jobs = userIds.map((userId) => encodeJob(sweepJob(userId)));
    await queue.addBulk(jobs.map((job) => ({ ...job, opts: SWEEP_OPTIONS })));
  }

  async #inspect(): Promise<QueueState> {
    const producer = await this.#connected();
    const [workers, schedule, evictionPolicy] = await Promise.all([
      producer.queue.getWorkersCount(),
      producer.queue.getJobScheduler(PURGE_SCHEDULER),
      producer.evictionPolicy(),
    ]);
    const purgeDueInMs = schedule?.next === undefined ? null : schedule.next - Date.now();
    return { workers, purgeDueInMs, evictionPolicy };
  }

  async #connected(): Promise<QueueProducer> {
    const backend = await this.#loadBackend();
    if (this.#producer?.isOpen() === true) return this.#producer;
    this.#producer?.cut();
    this.#producer = backend.openProducer((error) => this.#onError(error));
    return this.#producer;
  }

  #loadBackend(): Promise<QueueBackend> {
    this.#backend ??= createQueueBackend(this.settings);
    return this.#backend;
  }

  /** BullMQ does not ask again whether the queue was prepared meanwhile, nor reconnect: the next request begins anew. */
  #drop(): void {
    this.#producer?.cut();
    this.#producer = undefined;
  }

  #forget(error: unknown, consequence: string): void {
    this.#drop();
    this.#outage.failed(error, consequence);
  }

  #onError(error: Error): void {
    this.#outage.failed(error, 'sweeps are left to the recurring purge');
  }
}
