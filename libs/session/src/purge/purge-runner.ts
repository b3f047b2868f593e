import type { SessionEvents } from '../core/session-events.js';
import { SessionPurge, type PurgeOptions, type PurgeReport } from '../core/session-purge.js';
import type { SessionStore } from '../core/session-store.js';
import { DEFAULT_PACING, type PurgePacing } from './pacing.js';
import { PurgeMemory } from './purge-memory.js';
import { PurgeRun } from './purge-run.js';

/**
 * Purges what is due at the instant at which the run begins, until nothing is, the budget is spent or the signal is
 * aborted: by the index on the expiry, and where a large share of the table is due by walking through it.
 *
 * Every run raises `purge:completed` or `purge:failed`, and `session:expired` once for each session that ended by
 * itself; those that were revoked were announced when that happened.
 */
export class PurgeRunner extends SessionPurge {
  readonly #memory = new PurgeMemory();

  constructor(
    private readonly store: SessionStore,
    private readonly events: SessionEvents,
    private readonly pacing: PurgePacing = DEFAULT_PACING,
  ) {
    super();
  }

  override async run(options: PurgeOptions = {}): Promise<PurgeReport> {
    const { store, events, pacing } = this;
    const memory = this.#memory;
    try {
      const run = new PurgeRun({ store, events, memory, pacing, options }, await store.now());
      const report = await run.purge();
      events.emit('purge:completed', report);
      return report;
    } catch (error) {
      const failure =
        error instanceof Error ? error : new Error('The purge failed.', { cause: error });
      events.emit('purge:failed', { error: failure });
      throw error;
    }
  }
}
