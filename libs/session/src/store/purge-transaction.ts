import type { SessionStatements } from './session-statements.js';
import type { StatementRunner } from './statement-runner.js';

/** Runs statements of the purge in one transaction, in which none of them waits long for a lock. */
export function purgeTransaction<T>(
  runner: StatementRunner,
  { limitPurge, unlimitPurge }: SessionStatements,
  timeoutMs: number,
  work: (inside: StatementRunner) => Promise<T>,
): Promise<T> {
  return runner.transaction(async (inside) => {
    if (limitPurge !== null) await inside.run(limitPurge, {});
    const unlimit = async (): Promise<void> => {
      if (unlimitPurge !== null) await inside.run(unlimitPurge, {});
    };
    try {
      const result = await work(inside);
      await unlimit();
      return result;
    } catch (error) {
      // On a connection that was lost there is nothing to take back.
      await unlimit().catch(() => {});
      throw error;
    }
  }, timeoutMs);
}
