import type { EndedSession, StalePrincipal } from '../core/session-store.js';
import { EVERYONE } from '../core/user-id.js';
import { writeMany } from './bulk-write.js';
import { LOWEST_ID } from '../core/session-id.js';
import { endedSessionOf } from './session-row.js';
import type { SessionStatements } from './session-statements.js';
import type { StatementRunner } from './statement-runner.js';

/** Marks the rows that epochs have ended, and remembers where it is, so that each row is looked at once. */
export class EpochSweeper {
  /** By user, the id that the last full batch reached. Only a hint: before a user counts as swept, all rows are asked. */
  readonly #reached = new Map<string, string>();
  readonly #statements: SessionStatements['epoch'];

  constructor(statements: SessionStatements['epoch']) {
    this.#statements = statements;
  }

  /** Marks one batch, inside a transaction. */
  async sweep(
    runner: StatementRunner,
    { userId, epoch, reason }: StalePrincipal,
    limit: number,
  ): Promise<readonly EndedSession[]> {
    const { sweepUser, sweepEveryone, markSwept } = this.#statements;
    const { mark, isAnyLeft } = userId === EVERYONE ? sweepEveryone : sweepUser;
    const after = this.#reached.get(userId) ?? LOWEST_ID;
    const { written } = await writeMany(runner, mark, { userId, reason, after, limit });
    const ended = written.map((row) => endedSessionOf(row, reason));
    if (ended.length === limit) {
      const last =
        ended
          .map(({ id }) => id)
          .toSorted()
          .at(-1) ?? after;
      runner.afterCommit(() => this.#reached.set(userId, last));
      return ended;
    }
    this.#reached.delete(userId);
    // Another sweep may hold rows that this one passed over; it will be the one that finds none left.
    const left = await runner.run(isAnyLeft, { userId });
    if (left.rows.length === 0) await runner.run(markSwept, { userId, epoch });
    return ended;
  }
}
