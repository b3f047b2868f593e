import { isSessionError } from '../core/errors.js';
import type { SessionChannel } from '../core/session-channel.js';
import type { SessionStore } from '../core/session-store.js';
import type { QueueState } from '../jobs/queue-state.js';
import type { SessionJobs } from '../jobs/session-jobs.js';
import { queueWarnings, type PurgeLimits, type SessionHealthWarning } from './health-warnings.js';

/** How sessions are. Numbers and names only: nothing of a connection, a statement or a session. */
export type SessionHealthDetails = {
  /** `down` where no session can be resolved, or by a warning that `downOn` names. */
  readonly status: 'up' | 'down';
  /** The code of the error, where the database did not answer. */
  readonly code?: string;
  /** How long one statement took, in milliseconds; `null` where the database did not answer. */
  readonly storeLatencyMs: number | null;
  /** How long the row that has waited longest for the purge has waited, in milliseconds; `null` where nobody knows. */
  readonly oldestOverdueMs: number | null;
  /** Workers connected to the queue; `null` where there is no queue, or it does not answer. */
  readonly workers: number | null;
  readonly warnings: readonly SessionHealthWarning[];
};

export interface SessionHealthOptions {
  /** Warnings that count as `down`: for the health of a worker, whose work is the purge. @defaultValue [] */
  readonly downOn?: readonly SessionHealthWarning[];
}

/**
 * The health of sessions, for `@nestjs/terminus` or whoever asks:
 *
 * ```ts
 * this.health.check([() => this.sessions.check('session')])
 * ```
 *
 * Asks the database and the queue at once, each with its own deadline (`storeTimeoutMs`, 2 seconds), and never rejects.
 * Only a database that does not answer is `down`: a web process serves without a queue and without a worker, and must
 * not be restarted for them. Checks that are asked for together are one.
 */
export class SessionHealthIndicator {
  #observing: Promise<SessionHealthDetails> | undefined;

  constructor(
    private readonly store: SessionStore,
    private readonly jobs: SessionJobs,
    private readonly channel: SessionChannel,
    private readonly limits: PurgeLimits,
  ) {}

  /** @returns what terminus expects of an indicator, under `key`. */
  async check<const Key extends string>(
    key: Key,
    { downOn = [] }: SessionHealthOptions = {},
  ): Promise<Record<Key, SessionHealthDetails>> {
    this.#observing ??= this.#observe().finally(() => (this.#observing = undefined));
    const details = await this.#observing;
    const isDown = details.warnings.some((warning) => downOn.includes(warning));
    const health: SessionHealthDetails = isDown ? { ...details, status: 'down' } : details;
    return { [key]: health } as Record<Key, SessionHealthDetails>;
  }

  async #observe(): Promise<SessionHealthDetails> {
    const [latency, overdue, queue] = await Promise.allSettled([
      this.#storeLatencyMs(),
      this.store.oldestOverdueMs(),
      this.jobs.inspectQueue(),
    ]);
    const isUp = latency.status === 'fulfilled';
    return {
      status: isUp ? 'up' : 'down',
      ...(!isUp && { code: codeOf(latency.reason) }),
      storeLatencyMs: isUp ? latency.value : null,
      oldestOverdueMs: overdue.status === 'fulfilled' ? overdue.value : null,
      workers: queue.status === 'fulfilled' ? (queue.value?.workers ?? null) : null,
      warnings: [
        ...this.#queueWarnings(queue),
        ...(isUp ? this.#overdueWarnings(overdue) : []),
        ...this.#channelWarnings(),
      ],
    };
  }

  async #storeLatencyMs(): Promise<number> {
    const startedAt = performance.now();
    await this.store.now();
    return Math.round(performance.now() - startedAt);
  }

  #queueWarnings(queue: PromiseSettledResult<QueueState | null>): SessionHealthWarning[] {
    if (queue.status === 'rejected') return ['queue-unreachable'];
    return queueWarnings(queue.value, this.limits);
  }

  #overdueWarnings(overdue: PromiseSettledResult<number>): SessionHealthWarning[] {
    // After a large purge PostgreSQL may walk over the dead entries of the index: a slow answer is no outage.
    if (overdue.status === 'rejected') return ['purge-unknown'];
    return overdue.value > this.limits.overdueMs ? ['purge-overdue'] : [];
  }

  #channelWarnings(): SessionHealthWarning[] {
    return this.channel.leaseExpiresAt > performance.now() ? [] : ['channel-silent'];
  }
}

function codeOf(error: unknown): string {
  return isSessionError(error) ? error.code : 'SESSION_STORE_UNAVAILABLE';
}
