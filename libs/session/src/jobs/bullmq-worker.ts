import { Logger } from '@nestjs/common';

import { minutes, seconds } from '../core/duration.js';
import { pause } from '../purge/pause.js';
import { createQueueBackend } from './bullmq-backend.js';
import { withDeadline } from './deadline.js';
import { describeFailure } from './describe-failure.js';
import { decodeJob, encodeJob, type SessionJob } from './job-payload.js';
import type {
  JobQueue,
  QueueBackend,
  QueueConsumer,
  QueuedJob,
  QueueSettings,
} from './job-queue.js';
import { OutageLog } from './outage-log.js';
import { PURGE_SCHEDULER } from './queue-defaults.js';
import { asksForAnother, type JobOutcome, type SessionJobRunner } from './session-job-runner.js';
import { SessionWorker } from './session-worker.js';

const RECONNECT_MS = seconds(5);
const CLOSE_DEADLINE_MS = seconds(5);

/** Longest time until a schedule that was lost with the queue's server is there again. */
const MAX_ASSERTION_MS = minutes(1);

/** What BullMQ says of a job that it has given to somebody else, or that its server has forgotten. Not all of it has a code. */
const LOST_JOB = /^(could not renew lock|Missing lock|Missing key|Lock mismatch|Job .* is not in)/;

/** Runs the jobs of a BullMQ queue and keeps the purge scheduled. */
export class BullmqWorker extends SessionWorker {
  readonly #logger = new Logger('SessionWorker');
  readonly #outage = new OutageLog(this.#logger, 'queue');
  readonly #stopping = new AbortController();
  readonly #running = new Set<Promise<JobOutcome>>();
  #consumer: QueueConsumer | undefined;
  #assertion: NodeJS.Timeout | undefined;
  #closing: Promise<void> | undefined;

  constructor(
    private readonly settings: QueueSettings,
    private readonly runner: SessionJobRunner,
    private readonly everyMs: number,
  ) {
    super();
  }

  override async start(): Promise<void> {
    const backend = await createQueueBackend(this.settings);
    void this.#connect(backend);
  }

  override close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  /** Once connected, BullMQ reconnects by itself; until then a failure is final, so the attempt is made anew. */
  async #connect(backend: QueueBackend): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        await backend.prepare();
        if (signal.aborted) return;
        const consumer = this.#open(backend);
        await consumer.waitUntilReady();
        if (signal.aborted) return;
        this.#outage.succeeded();
        this.#keepScheduled(consumer.queue);
        return;
      } catch (error) {
        if (signal.aborted) return;
        this.#outage.failed(error, 'no job runs');
        this.#abandon();
        await pause(RECONNECT_MS, signal);
      }
    }
  }

  #open(backend: QueueBackend): QueueConsumer {
    this.#consumer = backend.openConsumer((job) => this.#process(job, backend), {
      onError: (error) => this.#onConsumerError(error),
      onFailed: (job, error) =>
        this.#logger.warn(
          `job failed name=${job?.name} id=${job?.id}: ${describeFailure(error.cause ?? error)}`,
        ),
    });
    return this.#consumer;
  }

  #abandon(): void {
    this.#consumer?.close().catch(() => {});
    this.#consumer?.cut();
    this.#consumer = undefined;
  }

  #keepScheduled(queue: JobQueue): void {
    let asserting: Promise<void> | undefined;
    const assert = (): void => {
      asserting ??= this.#assertSchedule(queue).finally(() => (asserting = undefined));
    };
    assert();
    this.#assertion = setInterval(assert, Math.min(this.everyMs, MAX_ASSERTION_MS)).unref();
  }

  async #assertSchedule(queue: JobQueue): Promise<void> {
    try {
      const schedule = await queue.getJobScheduler(PURGE_SCHEDULER);
      this.#outage.succeeded();
      const dueInMs = (schedule?.next ?? 0) - Date.now();
      // An upsert replaces the run that is due, so a schedule that is sound is left alone. One whose run is long overdue
      // has lost it. One that is due long from now was made by a worker whose clock is ahead, and an upsert would keep
      // to that.
      if (schedule?.every === this.everyMs && Math.abs(dueInMs) < 2 * this.everyMs) return;
      if (dueInMs > 0) await queue.removeJobScheduler(PURGE_SCHEDULER);
      await queue.upsertJobScheduler(
        PURGE_SCHEDULER,
        { every: this.everyMs },
        encodeJob({ name: 'purge' }),
      );
    } catch (error) {
      this.#onQueueError(error, 'the purge may be late');
    }
  }

  async #process(job: QueuedJob, backend: QueueBackend): Promise<JobOutcome> {
    const work = this.#decode(job, backend);
    const run = this.runner.run(work, this.#stopping.signal);
    this.#running.add(run);
    try {
      const outcome = await run;
      if (asksForAnother(outcome)) await this.#requestAnother(job);
      return outcome;
    } catch (error) {
      // The queue keeps the message of a failed job: a driver's own might quote a statement.
      throw new Error(describeFailure(error), { cause: error });
    } finally {
      this.#running.delete(run);
    }
  }

  #decode({ name, data }: QueuedJob, backend: QueueBackend): SessionJob {
    try {
      return decodeJob(name, data);
    } catch (error) {
      throw Object.assign(backend.unrecoverable(describeFailure(error)), { cause: error });
    }
  }

  async #requestAnother({ name, data }: QueuedJob): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    await this.#consumer?.queue
      .add(name, data)
      .catch((error: unknown) => this.#onQueueError(error, 'the purge goes on with its next run'));
  }

  #onConsumerError(error: Error): void {
    if (LOST_JOB.test(error.message)) {
      this.#logger.warn(
        'job lost: no sign of life for too long, or the queue was emptied; it is done again',
      );
    } else {
      this.#onQueueError(error, 'jobs may be late');
    }
  }

  #onQueueError(error: unknown, consequence: string): void {
    if (!this.#stopping.signal.aborted) this.#outage.failed(error, consequence);
  }

  async #close(): Promise<void> {
    this.#stopping.abort();
    clearInterval(this.#assertion);
    const consumer = this.#consumer;
    try {
      // What runs uses the database, which the application closes after this; a queue that hangs does not wait for it.
      const work = Promise.allSettled([...this.#running, consumer?.close()]);
      await withDeadline(work, CLOSE_DEADLINE_MS);
    } catch {
      this.#logger.warn('worker closed without an answer of the queue, or of the database');
    }
    consumer?.cut();
  }
}
