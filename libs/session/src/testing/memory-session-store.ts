import { SystemClock, type Clock } from '../core/clock.js';
import { days, hours } from '../core/duration.js';
import { SessionError } from '../core/errors.js';
import type { PurgeTiming } from '../core/session-policy.js';
import {
  SessionStore,
  type CredentialProof,
  type EndedSession,
  type InsertOutcome,
  type NewSession,
  type PageRequest,
  type PurgeBatch,
  type PurgeBatchRequest,
  type PurgeRange,
  type PurgeRangeRequest,
  type SessionChange,
  type StalePrincipal,
  type StoreStatistics,
  type Touch,
  type TransactionManager,
} from '../core/session-store.js';
import type { Session, SessionRecord } from '../core/session.js';
import { EVERYONE } from '../core/user-id.js';
import { MemoryTables } from './memory-tables.js';

export interface MemorySessionStoreOptions extends Partial<PurgeTiming> {
  /** The store's clock. @defaultValue the clock of this process */
  readonly clock?: Clock;
  /**
   * Whether the user's credential is still this one. Without it a sign-in that names a credential is refused with
   * `SESSION_CREDENTIAL_UNCONFIGURED`, as by a module without the `principal` option.
   */
  readonly verifyCredential?: (userId: string, credential: string) => boolean;
}

/**
 * A store in the memory of this process, for tests: every promise of `SessionStore`, and gone with the process.
 *
 * Writes run one after another, and a transaction is one of them: inside `transaction`, use the store that it hands
 * out. A write to the outer store waits until the transaction has ended; a read sees what is committed.
 */
export class MemorySessionStore extends SessionStore {
  readonly #options: MemorySessionStoreOptions;
  readonly #clock: Clock;
  #tables: MemoryTables;
  #lastWrite: Promise<unknown> = Promise.resolve();
  /** What to call after the commit; `null` outside a transaction. */
  #callbacks: (() => void)[] | null = null;

  /** `retentionMs` is 1 day and `purgeBucketMs` 1 hour unless given. */
  constructor(options: MemorySessionStoreOptions = {}) {
    super();
    const { clock = new SystemClock(), retentionMs = days(1), purgeBucketMs = hours(1) } = options;
    this.#options = options;
    this.#clock = clock;
    this.#tables = new MemoryTables(clock, { retentionMs, purgeBucketMs });
  }

  async now(): Promise<number> {
    return this.#clock.now();
  }

  insert(session: NewSession, proof?: CredentialProof): Promise<InsertOutcome> {
    return this.#write((tables) => {
      if (proof !== undefined && !this.#holds(proof)) return 'credential-changed';
      tables.insert(session);
      return 'inserted';
    });
  }

  async find(id: string): Promise<SessionRecord | undefined> {
    return this.#tables.find(id);
  }

  update(id: string, change: SessionChange): Promise<boolean> {
    return this.#write((tables) => tables.update(id, change));
  }

  touch(touches: readonly Touch[]): Promise<number> {
    return this.#write((tables) => tables.touch(touches));
  }

  revoke(
    id: string,
    reason: string,
    of?: { readonly userId: string },
  ): Promise<EndedSession | undefined> {
    return this.#write((tables) => tables.revoke(id, reason, of));
  }

  /** Nothing to do: a transaction has the whole store to itself. */
  async lockPrincipal(_userId: string): Promise<void> {}

  async epochOf(userId: string): Promise<number> {
    return this.#tables.epochOf(userId);
  }

  raiseEpoch(userId: string, reason: string, exceptId?: string, since?: number): Promise<number> {
    return this.#write((tables) => tables.raiseEpoch(userId, reason, exceptId, since));
  }

  async raiseEveryonesEpoch(reason: string): Promise<void> {
    await this.#write((tables) => tables.raiseEpoch(EVERYONE, reason));
  }

  async list(userId: string, page: PageRequest): Promise<readonly Session[]> {
    return this.#tables.list(userId, page);
  }

  async stalePrincipals(
    limit: number,
    of?: { readonly userId: string },
  ): Promise<readonly StalePrincipal[]> {
    return this.#tables.stalePrincipals(limit, of);
  }

  sweep(
    principal: StalePrincipal,
    limit: number,
    announce: (ended: EndedSession) => void = () => {},
  ): Promise<readonly EndedSession[]> {
    return this.#inTransaction(async (inside) => {
      const ended = inside.#tables.sweep(principal, limit);
      for (const session of ended) announce(session);
      return ended;
    });
  }

  purgeBatch(request: PurgeBatchRequest): Promise<PurgeBatch> {
    return this.#write((tables) => tables.purgeBatch(request));
  }

  purgeRange(request: PurgeRangeRequest): Promise<PurgeRange> {
    return this.#write((tables) => tables.purgeRange(request));
  }

  async overdueShare(cutoff: number): Promise<number> {
    return this.#tables.overdueShare(cutoff);
  }

  async statistics(): Promise<StoreStatistics> {
    return this.#tables.statistics();
  }

  async oldestOverdueMs(): Promise<number> {
    return this.#tables.statistics().oldestOverdueMs;
  }

  transaction<T>(work: (store: SessionStore) => Promise<T>): Promise<T> {
    return this.#inTransaction(work);
  }

  /** This store itself: memory takes no part in a database's transaction, so what it is told holds at once. */
  within(_manager: TransactionManager): SessionStore {
    return this;
  }

  afterCommit(callback: () => void): void {
    if (this.#callbacks === null) callback();
    else this.#callbacks.push(callback);
  }

  async #inTransaction<T>(work: (store: MemorySessionStore) => Promise<T>): Promise<T> {
    if (this.#callbacks !== null) return work(this);
    return this.#afterOtherWrites(async () => {
      const callbacks: (() => void)[] = [];
      const inside = new MemorySessionStore(this.#options);
      inside.#tables = this.#tables.copy();
      inside.#callbacks = callbacks;
      const result = await work(inside);
      this.#tables = inside.#tables;
      for (const callback of callbacks) callback();
      return result;
    });
  }

  async #write<T>(statement: (tables: MemoryTables) => T): Promise<T> {
    if (this.#callbacks !== null) return statement(this.#tables);
    return this.#afterOtherWrites(() => statement(this.#tables));
  }

  #afterOtherWrites<T>(write: () => T | Promise<T>): Promise<T> {
    const written = this.#lastWrite.then(write);
    this.#lastWrite = written.catch(() => undefined);
    return written;
  }

  #holds({ userId, credential }: CredentialProof): boolean {
    const { verifyCredential } = this.#options;
    if (verifyCredential !== undefined) return verifyCredential(userId, credential);
    throw new SessionError(
      'SESSION_CREDENTIAL_UNCONFIGURED',
      'Expected a `verifyCredential` option to check the credential of the sign-in with, got none. Give one to the memory store.',
    );
  }
}
