import { setTimeout as pause } from 'node:timers/promises';

import { Acquisitions } from './acquisitions.js';
import type { Connections } from './connections.js';
import { Deadline } from './deadline.js';
import { LeasedRunner, send } from './leased-runner.js';
import type { Statement } from './sql.js';
import type {
  RunnerSettings,
  StatementResult,
  StatementRunner,
  Values,
} from './statement-runner.js';
import { driverFailureOf, storeFailure } from './store-failure.js';

/** How often what lost to another transaction is tried again. */
const MAX_RETRIES = 3;

/** Longest first pause before a retry; it doubles with each. */
const RETRY_PAUSE_MS = 20;

/** Runs each statement, and each transaction, on a connection of its own, and again where it lost to another one. */
export class PooledRunner implements StatementRunner {
  readonly #acquisitions: Acquisitions;

  constructor(
    connections: Connections,
    private readonly settings: RunnerSettings,
  ) {
    this.#acquisitions = new Acquisitions(connections);
  }

  run(
    statement: Statement,
    values: Values,
    timeoutMs = this.settings.timeoutMs,
  ): Promise<StatementResult> {
    return retrying(() =>
      this.#within(timeoutMs, async (deadline) => {
        const lease = await this.#acquisitions.acquire(deadline);
        try {
          return await deadline.race(send(lease, this.settings, statement, values));
        } catch (error) {
          const failure = storeFailure(error, this.settings.dialect.codes);
          if (isUseless(failure)) await lease.destroy();
          throw failure;
        } finally {
          await lease.release();
        }
      }),
    );
  }

  transaction<T>(
    work: (runner: StatementRunner) => Promise<T>,
    timeoutMs = this.settings.timeoutMs,
  ): Promise<T> {
    return retrying(async () => {
      const lease = await this.#within(timeoutMs, (deadline) =>
        this.#acquisitions.acquire(deadline),
      );
      const callbacks: (() => void)[] = [];
      const inside = new LeasedRunner(lease, { ...this.settings, timeoutMs }, (callback) =>
        callbacks.push(callback),
      );
      try {
        const result = await inside.openTransaction(work);
        for (const callback of callbacks) callback();
        return result;
      } catch (error) {
        if (isUseless(error)) await lease.destroy();
        throw error;
      } finally {
        await lease.release();
      }
    });
  }

  afterCommit(callback: () => void): void {
    callback();
  }

  async #within<T>(timeoutMs: number, step: (deadline: Deadline) => Promise<T>): Promise<T> {
    const deadline = new Deadline(timeoutMs);
    try {
      const result = await step(deadline);
      this.settings.outage.answered();
      return result;
    } catch (error) {
      const failure = storeFailure(error, this.settings.dialect.codes);
      this.settings.outage.failed(failure);
      throw failure;
    } finally {
      deadline.clear();
    }
  }
}

/**
 * Whether the connection must not go back to the pool: one without an answer in time, one that the server is about to
 * close, which the pool learns a moment later, and one to a server that takes no writes, as that is which was the primary
 * before a failover. That one would go on answering for good; a new one goes to where the name leads now.
 */
function isUseless(error: unknown): boolean {
  const failure = driverFailureOf(error);
  return failure !== undefined && (failure.isOutage || failure.isReadOnly);
}

async function retrying<T>(work: () => Promise<T>): Promise<T> {
  for (let retries = 0; ; retries += 1) {
    try {
      return await work();
    } catch (error) {
      if (retries === MAX_RETRIES || driverFailureOf(error)?.isRetryable !== true) throw error;
      // Two that lost to each other must not meet again: the clock's fraction is a number that they hardly share.
      await pause((performance.now() % 1) * RETRY_PAUSE_MS * 2 ** retries);
    }
  }
}
