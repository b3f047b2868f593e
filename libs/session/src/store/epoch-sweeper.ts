import type { EndedSession, StalePrincipal } from '../core/session-store.js';
import { LOWEST_ID } from '../core/session-id.js';
import { EVERYONE } from '../core/user-id.js';
import { writeMany } from './bulk-write.js';
import { endedSessionOf } from './session-row.js';
import type { SessionStatements } from './session-statements.js';
import type { StatementRunner } from './statement-runner.js';
import type { SweepStatements } from './statements/sweep-statements.js';

/** One call of `SessionStore.sweep`. */
export interface SweepBatch {
  readonly principal: StalePrincipal;
  readonly limit: number;
  readonly announce: (ended: EndedSession) => void;
  /** Longest statement, in milliseconds. */
  readonly timeoutMs: number;
}

/** Marks the rows that epochs have ended, and remembers where it is, so that each row is looked at once. */
export class EpochSweeper {
  /** By user, the id that the last full batch reached. Only a hint: before a user counts as swept, all rows are asked. */
  readonly #reached = new Map<string, string>();
  readonly #statements: SessionStatements['epoch'];
  #lastTurn: Promise<unknown> = Promise.resolve();

  constructor(statements: SessionStatements['epoch']) {
    this.#statements = statements;
  }

  /** Announces one batch and marks it, in this order: what dies in between is found again. */
  async sweep(runner: StatementRunner, batch: SweepBatch): Promise<readonly EndedSession[]> {
    const { userId } = batch.principal;
    const { sweepUser, sweepEveryone } = this.#statements;
    const { mark, isAnyLeft } = userId === EVERYONE ? sweepEveryone : sweepUser;
    const ended = await ('markFound' in mark
      ? this.#inTurn(() => this.#mark(runner, batch, mark))
      : runner.transaction((inside) => this.#mark(inside, batch, mark), batch.timeoutMs));
    if (ended.length === batch.limit) {
      this.#reached.set(
        userId,
        ended
          .map(({ id }) => id)
          .toSorted()
          .at(-1) ?? LOWEST_ID,
      );
      return ended;
    }
    this.#reached.delete(userId);
    await this.#finish(runner, batch, isAnyLeft);
    return ended;
  }

  async #mark(
    runner: StatementRunner,
    { principal: { userId, reason }, limit, announce, timeoutMs }: SweepBatch,
    mark: SweepStatements['mark'],
  ): Promise<readonly EndedSession[]> {
    const after = this.#reached.get(userId) ?? LOWEST_ID;
    const values = { userId, reason, after, limit };
    const rows =
      'markFound' in mark
        ? (await runner.run(mark.find, values, timeoutMs)).rows
        : (await writeMany(runner, mark, values)).written;
    const ended = rows.map((row) => endedSessionOf(row, reason));
    for (const session of ended) announce(session);
    if ('markFound' in mark && ended.length > 0) {
      const ids = ended.map(({ id }) => id);
      await runner.run(mark.markFound, { reason, ids }, timeoutMs);
    }
    return ended;
  }

  /**
   * Counts the principal as swept where no row is left. Not in the transaction of the marks: whoever ends a user's sessions
   * locks the principal's row before that of a session, and a sweep that did the opposite could wait in a circle with it.
   */
  async #finish(
    runner: StatementRunner,
    { principal: { userId, epoch }, timeoutMs }: SweepBatch,
    isAnyLeft: SweepStatements['isAnyLeft'],
  ): Promise<void> {
    // Another sweep may hold rows that this one passed over; it will be the one that finds none left.
    const left = await runner.run(isAnyLeft, { userId }, timeoutMs);
    if (left.rows.length > 0) return;
    await runner.run(this.#statements.markSwept, { userId, epoch }, timeoutMs);
  }

  /** Where no lock keeps two sweeps of this process from the same rows. */
  #inTurn<T>(sweep: () => Promise<T>): Promise<T> {
    const turn = this.#lastTurn.then(sweep);
    this.#lastTurn = turn.catch(() => {});
    return turn;
  }
}
