import { setImmediate } from 'node:timers/promises';

import { Logger } from '@nestjs/common';

import { createQueueBackend } from './bullmq-backend.js';
import { withDeadline } from './deadline.js';
import { encodeJob, sweepJob } from './job-payload.js';
import type { QueueBackend, QueueProducer, QueueSettings } from './job-queue.js';
import { OutageLog } from './outage-log.js';
import { PRODUCER_DEADLINE_MS } from './queue-defaults.js';
import { SessionJobs } from './session-jobs.js';

/** Most users waiting to be enqueued; more are left to the recurring purge. */
const MAX_PENDING = 10_000;

/** A sweep that meets a failing database is tried again within half a minute, then left to the recurring purge. */
const SWEEP_OPTIONS = { attempts: 5, backoff: { type: 'exponential', delay: 1000 } } as const;

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
        this.#forget(error, userIds.length);
      }
    }
    // In the same step as the check above, so that no request falls between the two.
    this.#flushing = undefined;
  }

  async #enqueue(userIds: readonly string[]): Promise<void> {
    const backend = await this.#loadBackend();
    if (this.#producer?.isOpen() !== true) {
      this.#producer?.cut();
      this.#producer = backend.openProducer((error) => this.#onError(error));
    }
    const jobs = userIds.map((userId) => encodeJob(sweepJob(userId)));
    await this.#producer.queue.addBulk(jobs.map((job) => ({ ...job, opts: SWEEP_OPTIONS })));
  }

  #loadBackend(): Promise<QueueBackend> {
    this.#backend ??= createQueueBackend(this.settings);
    return this.#backend;
  }

  #forget(error: unknown, count: number): void {
    this.#producer?.cut();
    this.#producer = undefined;
    this.#outage.failed(error, `${count} sweeps left to the recurring purge`);
  }

  #onError(error: Error): void {
    this.#outage.failed(error, 'sweeps are left to the recurring purge');
  }
}
