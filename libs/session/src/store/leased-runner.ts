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

const lastSteps = new WeakMap<Lease['connection'], Promise<unknown>>();

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
      inTurn(this.lease.connection, () => send(this.lease, this.settings, statement, values)),
    );
  }

  transaction<T>(work: (runner: StatementRunner) => Promise<T>): Promise<T> {
    return work(this);
  }

  /** Opens a transaction, runs `work` in it, and commits; rolls back where one of them fails. */
  async openTransaction<T>(work: (runner: StatementRunner) => Promise<T>): Promise<T> {
    const { transaction } = this.lease;
    const { timeoutMs } = this.settings;
    try {
      await this.#within(timeoutMs, () => transaction.begin());
      const result = await work(this);
      await this.#within(timeoutMs, () => transaction.commit());
      return result;
    } catch (error) {
      await this.#rollBack();
      throw error;
    }
  }

  /** Never rejects: what matters is why. A connection that cannot roll back must not be used again. */
  async #rollBack(): Promise<void> {
    const { transaction } = this.lease;
    if (!transaction.isOpen) return;
    await this.#within(this.settings.timeoutMs, () => transaction.rollBack()).catch(() =>
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
function inTurn<T>(connection: Lease['connection'], step: () => Promise<T>): Promise<T> {
  const turn = (lastSteps.get(connection) ?? Promise.resolve()).then(step);
  lastSteps.set(
    connection,
    turn.catch(() => {}),
  );
  return turn;
}

/** Sends a statement on a connection. */
export async function send(
  { connection }: Lease,
  { dialect, clock }: RunnerSettings,
  { text, parameters }: Statement,
  values: Values,
): Promise<StatementResult> {
  const given: Values = { ...values, now: clock?.now() };
  const bound = parameters.map(({ name, type }) => dialect.encode(type, given[name]));
  const result = await connection.query(text, bound, true);
  // Absent after a write, whatever its type says.
  const rows = Array.from<Row>(result.records ?? []);
  return { rows, affected: result.affected ?? rows.length };
}
