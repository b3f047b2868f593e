import { days, seconds } from '../core/duration.js';

/** How long adding a job may take before it is given up. */
export const PRODUCER_DEADLINE_MS = seconds(2);

/** How long a worker waits for the answer to a command or a query; then its connection counts as dead. */
export const WORKER_DEADLINE_MS = seconds(15);

/** So many finished jobs are kept to be looked at; neither set may grow without bound. */
const KEPT_COMPLETED = 100;
const KEPT_FAILED = 1000;

/** The longest stream of BullMQ's own events. */
const KEPT_EVENTS = 1000;

const KEPT = {
  removeOnComplete: { count: KEPT_COMPLETED },
  removeOnFail: { count: KEPT_FAILED, age: days(7) / 1000 },
};

/** The options that every `Queue` is opened with. */
export const QUEUE_OPTIONS = {
  defaultJobOptions: KEPT,
  streams: { events: { maxLen: KEPT_EVENTS } },
};

/**
 * The options that every `Worker` is opened with. Two jobs at a time: a sweep does not wait for a purge. What is kept is
 * said here as well, for jobs that somebody else has added.
 */
export const WORKER_OPTIONS = { concurrency: 2, ...KEPT };

/** The one schedule of a queue, however many workers assert it. */
export const PURGE_SCHEDULER = 'session-purge';
