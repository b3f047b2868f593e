import { countPurged } from '../core/purged-counts.js';
import { HIGHEST_ID } from '../core/session-id.js';
import type { PurgeRange, PurgeRangeRequest } from '../core/session-store.js';
import { writeMany } from './bulk-write.js';
import { purgeTransaction } from './purge-transaction.js';
import { purgedCountOf, purgedRowOf, purgedSessionOf, type Row } from './session-row.js';
import type { SessionStatements } from './session-statements.js';
import type { StatementRunner, Values } from './statement-runner.js';
import type { RangeDelete } from './statements/walk-statements.js';
import { driverFailureOf } from './store-failure.js';

/** That a row of the range is locked. No failure of the driver's, so that the transaction is not tried again. */
class LockedRowError extends Error {}

/** Purges ranges of ids: in one statement where nobody holds a row of the range, else passing over those that are held. */
export class RangePurge {
  /** @param timeoutMs longest statement */
  constructor(
    private readonly statements: SessionStatements,
    private readonly timeoutMs: number,
  ) {}

  async purge(
    runner: StatementRunner,
    { cutoff, after, span, isNaming }: PurgeRangeRequest,
  ): Promise<PurgeRange> {
    const { walk } = this.statements;
    const given = { cutoff, after, skipped: span - 1 };
    const { rows } = await runner.run(walk.through, given, this.timeoutMs);
    const through = rows[0] === undefined ? null : String(rows[0]['id']);
    const values = { ...given, through: through ?? HIGHEST_ID };
    const remove = isNaming ? walk.naming : walk.counting;
    const reported = await this.#deleteAtOnce(runner, remove, values);
    if (reported !== null && !isNaming) {
      const { isGrouped } = walk.counting;
      const counts = isGrouped
        ? reported.map(purgedCountOf)
        : countPurged(reported.map(purgedRowOf));
      return { counts, sessions: [], through };
    }
    const sessions = (reported ?? (await this.#passOver(runner, values))).map(purgedSessionOf);
    return { counts: countPurged(sessions), sessions: isNaming ? sessions : [], through };
  }

  /** `null` where a row is locked. */
  async #deleteAtOnce(
    runner: StatementRunner,
    { report, remove }: RangeDelete,
    values: Values,
  ): Promise<readonly Row[] | null> {
    try {
      return await this.#transaction(runner, async (inside) => {
        const { rows } = await unlessLocked(inside.run(report, values));
        // What it removes is locked already; but MySQL waits for a live row of the range that was locked since.
        if (remove !== null && rows.length > 0) await unlessLocked(inside.run(remove, values));
        return rows;
      });
    } catch (error) {
      if (error instanceof LockedRowError) return null;
      throw error;
    }
  }

  async #passOver(runner: StatementRunner, values: Values): Promise<readonly Row[]> {
    const { passingOver } = this.statements.walk;
    const { written } = await this.#transaction(runner, (inside) =>
      writeMany(inside, passingOver, values),
    );
    return written;
  }

  #transaction<T>(
    runner: StatementRunner,
    work: (inside: StatementRunner) => Promise<T>,
  ): Promise<T> {
    return purgeTransaction(runner, this.statements, this.timeoutMs, work);
  }
}

async function unlessLocked<T>(statement: Promise<T>): Promise<T> {
  try {
    return await statement;
  } catch (error) {
    if (driverFailureOf(error)?.isRetryable === true) throw new LockedRowError();
    throw error;
  }
}
