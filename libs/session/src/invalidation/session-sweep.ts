import { setImmediate } from 'node:timers/promises';

import { isSessionError } from '../core/errors.js';
import type { SessionEvents } from '../core/session-events.js';
import type { SessionStore, StalePrincipal } from '../core/session-store.js';

/** Rows marked by one statement: few enough for SQLite, where a writer blocks every other. */
const BATCH_SIZE = 200;

/** Principals looked up at a time. */
const PAGE_SIZE = 100;

/**
 * Carries out what raising an epoch decided: marks the rows of the sessions that it ended, and raises `session:revoked`
 * once for each, however many sweeps run beside each other.
 *
 * The sessions are dead before and without this; a sweep that is lost or stopped is made up for by the next.
 */
export class SessionSweep {
  constructor(
    private readonly store: SessionStore,
    private readonly events: SessionEvents,
  ) {}

  /**
   * Sweeps the sessions of one user. Nothing to sweep: 0.
   * @returns how many sessions were announced.
   */
  async sweepUser(userId: string, signal?: AbortSignal): Promise<number> {
    const [principal] = await this.store.stalePrincipals(1, { userId });
    return principal === undefined ? 0 : this.#sweep(principal, signal);
  }

  /**
   * Sweeps whatever is left: every user whose sweep was lost, and the sessions that `revokeEveryone` ended. A principal
   * that fails does not stop the others; the first failure is thrown at the end. A store that is down stops the sweep.
   * @returns how many sessions were announced.
   */
  async sweepStale(signal?: AbortSignal): Promise<number> {
    let announced = 0;
    const failures: unknown[] = [];
    let page: readonly StalePrincipal[];
    do {
      page = await this.store.stalePrincipals(PAGE_SIZE);
      for (const principal of page) {
        if (signal?.aborted === true) return announced;
        try {
          announced += await this.#sweep(principal, signal);
        } catch (error) {
          if (isSessionError(error, 'SESSION_STORE_UNAVAILABLE')) throw error;
          failures.push(error);
        }
      }
      // A principal that failed stays stale and would come back with every page.
    } while (page.length === PAGE_SIZE && failures.length === 0);
    if (failures.length > 0) throw failures[0];
    return announced;
  }

  async #sweep(principal: StalePrincipal, signal: AbortSignal | undefined): Promise<number> {
    let announced = 0;
    while (signal?.aborted !== true) {
      const ended = await this.store.sweep(principal, BATCH_SIZE);
      for (const { id, userId, reason } of ended) {
        this.events.emit('session:revoked', { sessionId: id, userId, reason });
      }
      announced += ended.length;
      if (ended.length < BATCH_SIZE) break;
      // A driver that works synchronously, as SQLite's, would otherwise keep everyone else from running.
      await setImmediate();
    }
    return announced;
  }
}
