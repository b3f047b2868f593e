import { setImmediate } from 'node:timers/promises';

import { isSessionError } from '../core/errors.js';
import type { SessionEvents } from '../core/session-events.js';
import type { EndedSession, SessionStore, StalePrincipal } from '../core/session-store.js';
import { EVERYONE } from '../core/user-id.js';

/** Rows marked by one statement: few enough for SQLite, where a writer blocks every other. */
const BATCH_SIZE = 200;

/** Principals looked up at a time. */
const PAGE_SIZE = 100;

/** Most announced sessions to remember whose marks have failed. A store that is down fails one batch a run. */
const MAX_UNMARKED = 10_000;

/**
 * Carries out what raising an epoch decided: marks the rows of the sessions that it ended, and raises `session:revoked`
 * for each, however many sweeps run beside each other: once, or twice where the process died, or lost the database, in
 * between. A session is announced before its mark is there to stay, so that none is forgotten, and after the epoch that
 * ended it was committed, so that none is announced that still lives.
 *
 * The sessions are dead before and without this; a sweep that is lost or stopped is made up for by the next.
 */
export class SessionSweep {
  /** Announced by this process, and not known to be marked. */
  readonly #unmarked = new Set<string>();

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

  /** Sweeps the sessions that `revokeEveryone` ended. @returns as `sweepUser`. */
  sweepEveryone(signal?: AbortSignal): Promise<number> {
    return this.sweepUser(EVERYONE, signal);
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
    const announce = (session: EndedSession): void => {
      if (this.#announce(session)) announced += 1;
    };
    while (signal?.aborted !== true) {
      const ended = await this.store.sweep(principal, BATCH_SIZE, announce);
      for (const { id } of ended) this.#unmarked.delete(id);
      if (ended.length < BATCH_SIZE) break;
      // A driver that works synchronously, as SQLite's, would otherwise keep everyone else from running.
      await setImmediate();
    }
    return announced;
  }

  #announce({ id, userId, reason }: EndedSession): boolean {
    if (this.#unmarked.has(id)) return false;
    const [oldest] = this.#unmarked;
    if (this.#unmarked.size >= MAX_UNMARKED && oldest !== undefined) this.#unmarked.delete(oldest);
    this.#unmarked.add(id);
    this.events.emit('session:revoked', { sessionId: id, userId, reason });
    return true;
  }
}
