import type { QueryRunner } from 'typeorm';

import type { Lease } from './connections.js';
import { Deadline, DeadlineError } from './deadline.js';
import type { Row } from './session-row.js';
import type { Statement } from './sql.js';
import type {
  RunnerSettings,
  StatementResult,
  StatementRunner,
  Values,
} from './statement-runner.js';
import { storeFailure } from './store-failure.js';

const lastSteps = new WeakMap<QueryRunner, Promise<unknown>>();

/** Runs statements on one connection, inside a transaction that is open there, or that it opens. */
export class LeasedRunner implements StatementRunner {
  constructor(
    private readonly lease: Lease,
    private readonly settings: RunnerSettings,
    readonly afterCommit: (callback: () => void) => void,
  ) {}

  run(
    statement: Statement,
    values: Values,
    timeoutMs = this.settings.timeoutMs,
  ): Promise<StatementResult> {
    return this.#within(timeoutMs, () =>
      inTurn(this.lease.queryRunner, () => send(this.lease, this.settings, statement, values)),
    );
  }

  transaction<T>(work: (runner: StatementRunner) => Promise<T>): Promise<T> {
    return work(this);
  }

  /** Opens a transaction, runs `work` in it, and commits; rolls back where one of them fails. */
  async openTransaction<T>(work: (runner: StatementRunner) => Promise<T>): Promise<T> {
    const { queryRunner } = this.lease;
    const { dialect, timeoutMs } = this.settings;
    try {
      await this.#within(timeoutMs, () => queryRunner.startTransaction(dialect.isolationLevel));
      const result = await work(this);
      await this.#within(timeoutMs, () => queryRunner.commitTransaction());
      return result;
    } catch (error) {
      await this.#rollBack();
      throw error;
    }
  }

  /** Never rejects: what matters is why. A connection that cannot roll back must not be used again. */
  async #rollBack(): Promise<void> {
    const { queryRunner } = this.lease;
    if (queryRunner.isReleased || !queryRunner.isTransactionActive) return;
    await this.#within(this.settings.timeoutMs, () => queryRunner.rollbackTransaction()).catch(() =>
      this.lease.destroy(),
    );
  }

  async #within<T>(timeoutMs: number, step: () => Promise<T>): Promise<T> {
    const deadline = new Deadline(timeoutMs);
    try {
      return await deadline.race(step());
    } catch (error) {
      if (error instanceof DeadlineError) await this.lease.destroy();
      throw storeFailure(error, this.settings.dialect.codes);
    } finally {
      deadline.clear();
    }
  }
}

/**
 * Runs the step after those that are under way on the connection. A driver takes one statement at a time, and TypeORM
 * calls the subscribers of a `save` of several entities all at once.
 */
function inTurn<T>(queryRunner: QueryRunner, step: () => Promise<T>): Promise<T> {
  const turn = (lastSteps.get(queryRunner) ?? Promise.resolve()).then(step);
  lastSteps.set(
    queryRunner,
    turn.catch(() => {}),
  );
  return turn;
}

/** Sends a statement on a connection. */
export async function send(
  { queryRunner }: Lease,
  { dialect, clock }: RunnerSettings,
  { text, parameters }: Statement,
  values: Values,
): Promise<StatementResult> {
  const given: Values = { ...values, now: clock?.now() };
  const bound = parameters.map(({ name, type }) => dialect.encode(type, given[name]));
  const result = await queryRunner.query(text, bound, true);
  // Absent after a write, whatever its type says.
  const rows = Array.from<Row>(result.records ?? []);
  return { rows, affected: result.affected ?? rows.length };
}
