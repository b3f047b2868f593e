import type { Session, SessionRecord } from './session.js';

/** A session to be inserted. Spans, not instants: the store adds them to its own clock. */
export interface NewSession {
  readonly id: string;
  readonly tokenHash: string;
  readonly generation: number;
  readonly userId: string | null;
  readonly policy: string;
  readonly persistent: boolean;
  readonly idleTimeoutMs: number | null;
  readonly absoluteTimeoutMs: number;
  /** An earlier absolute end, in epoch milliseconds. The earlier of the two holds. */
  readonly expiresAt: number | null;
  readonly aal: number | null;
  readonly amr: readonly string[] | null;
  readonly ip: string | null;
  readonly userAgent: string | null;
  /** JSON text of an object, or `null`. */
  readonly data: string | null;
}

/** The credential that a sign-in was proven with: the session is inserted only while the user's row still holds it. */
export interface CredentialProof {
  readonly userId: string;
  readonly credential: string;
}

/** What happened to an insert. */
export type InsertOutcome = 'inserted' | 'credential-changed';

/** The keys of the data that changed: JSON text by key, and the keys to remove. */
export interface DataPatch {
  readonly set: Readonly<Record<string, string>>;
  readonly remove: readonly string[];
}

/** One conditional write to one live session. All its parts happen, or none. */
export interface SessionChange {
  readonly data?: DataPatch;
  /** Write only if the session's version is still this one. */
  readonly ifVersion?: number;
  /** Give out a new token: only if the session still has this generation and hash. */
  readonly rotate?: {
    readonly fromGeneration: number;
    readonly fromTokenHash: string;
    readonly tokenHash: string;
  };
  readonly idleTimeoutMs?: number | null;
  /** Epoch milliseconds. */
  readonly expiresAt?: number;
  readonly persistent?: boolean;
  /** A new proof of the user's identity, dated by the store's clock. */
  readonly authenticated?: { readonly aal: number | null; readonly amr: readonly string[] | null };
}

/** One client's activity, seen some time ago. */
export interface Touch {
  readonly id: string;
  /** Milliseconds between the activity and the write. The deadline is counted from the activity. */
  readonly ageMs: number;
  /** The idle timeout that the policy sets now. The session's own counts where it is shorter; `null` for none. */
  readonly idleTimeoutMs: number | null;
  /** What to record of the client; `null` leaves what is recorded. */
  readonly ip: string | null;
  readonly userAgent: string | null;
}

/** A session that a write ended. */
export interface EndedSession {
  readonly id: string;
  readonly userId: string | null;
  readonly reason: string;
}

/** A page of a user's live sessions, in the order of their ids. */
export interface PageRequest {
  /** The id after which the page begins. */
  readonly after: string | null;
  readonly limit: number;
}

/** One bounded statement of the purge. */
export interface PurgeBatchRequest {
  /** Rows with `purge_at` at or before this instant may go. From `SessionStore.now`, fixed for a whole run. */
  readonly cutoff: number;
  /** The last `purge_at` that an earlier batch of the run reached: the scan begins there, past the dead rows. */
  readonly watermark: number;
  readonly limit: number;
}

export interface PurgedSession {
  readonly id: string;
  readonly userId: string | null;
  /** `idle-expired`, `absolute-expired`, or the reason of the revocation. */
  readonly reason: string;
  readonly purgeAt: number;
}

export interface PurgeBatch {
  /** How many rows the statement looked at; fewer than the limit means that no more are due. */
  readonly selected: number;
  readonly deleted: readonly PurgedSession[];
  /** Where the next batch begins. */
  readonly watermark: number;
}

/** One bounded statement of a purge that goes through the table in the order of ids. */
export interface PurgeRangeRequest {
  /** As of `PurgeBatchRequest`. */
  readonly cutoff: number;
  /** The id after which the range begins. */
  readonly after: string;
  /** How many rows the range spans, due or not. */
  readonly span: number;
  /** Whether to name the sessions that are deleted. Counting them where they are costs far less than fetching them. */
  readonly isNaming: boolean;
}

/** Rows that one statement deleted for one reason. */
export interface PurgedCount {
  /** As of `PurgedSession`. */
  readonly reason: string;
  readonly count: number;
  /** The earliest `purge_at` among them. */
  readonly oldestPurgeAt: number;
}

export interface PurgeRange {
  readonly counts: readonly PurgedCount[];
  /** The sessions that were deleted; empty unless the request is naming them. */
  readonly sessions: readonly EndedSession[];
  /** The last id of the range; `null` at the end of the table. */
  readonly through: string | null;
}

/** A user whose sessions were ended together and whose rows are not all marked yet. */
export interface StalePrincipal {
  readonly userId: string;
  readonly epoch: number;
  readonly reason: string;
}

export interface StoreStatistics {
  /** Rows in the table, dead ones included. */
  readonly sessions: number;
  /** Rows whose `purge_at` has passed. */
  readonly overdue: number;
  /** How long the most overdue row has been waiting, in milliseconds; 0 where none is. */
  readonly oldestOverdueMs: number;
}

/** The part of a driver's transaction that a caller may hand over: TypeORM's `EntityManager` fits. */
export interface TransactionManager {
  query(sql: string, parameters?: unknown[]): Promise<unknown>;
}

/**
 * What a store of sessions must do, and must not.
 *
 * - It never brings a session back: the only way to make a row is `insert` with a new id, and every other write is
 *   conditional on the row being live (not revoked, before both deadlines, its epoch not below the principal's).
 * - It decides time by one clock: the database's, or the one it was given.
 * - "Not there" and "not live" are results. A rejected promise means that the system failed, always with a
 *   `SessionError`; `SESSION_STORE_UNAVAILABLE` where the caller should answer 503.
 *
 * `sessionStoreContract` of `nestjs-curfew/testing` says the same in tests; every store passes it.
 */
export abstract class SessionStore {
  /** The store's clock, in epoch milliseconds. */
  abstract now(): Promise<number>;

  /** Inserts a session that was never there. With a proof that no longer holds, nothing is inserted. */
  abstract insert(session: NewSession, proof?: CredentialProof): Promise<InsertOutcome>;

  /** Reads a session, dead or alive, together with what its principal requires. Missing: `undefined`. */
  abstract find(id: string): Promise<SessionRecord | undefined>;

  /** Applies a change to a live session. `false`: it is gone, dead, or a condition of the change does not hold. */
  abstract update(id: string, change: SessionChange): Promise<boolean>;

  /**
   * Records activity and moves the idle deadline, forward only. Sessions that are gone or dead are passed over.
   * @returns how many rows were written.
   */
  abstract touch(touches: readonly Touch[]): Promise<number>;

  /** Ends one live session, of the given user where one is given. `undefined`: nothing to end. */
  abstract revoke(
    id: string,
    reason: string,
    of?: { readonly userId: string },
  ): Promise<EndedSession | undefined>;

  /**
   * Makes everyone else who calls this for the user, or ends all the user's sessions, wait until the surrounding
   * transaction ends. Changes no epoch, and does nothing of use outside a transaction. Call it before a row of a session is
   * written there: whoever took the two the other way round could wait in a circle.
   */
  abstract lockPrincipal(userId: string): Promise<void>;

  /** The principal's own epoch, without everyone's; 0 where it was never raised. */
  abstract epochOf(userId: string): Promise<number>;

  /**
   * Ends every session of a user by raising the principal's epoch; the excepted one, if live, is raised with it.
   *
   * Where the epoch is above `since` already, it is left as it is: a trigger of the database has raised it, once, in the
   * same transaction. The excepted session is raised even so, if it was live before that.
   * @returns the principal's new epoch.
   */
  abstract raiseEpoch(
    userId: string,
    reason: string,
    exceptId?: string,
    since?: number,
  ): Promise<number>;

  /** Ends every session there is, anonymous ones included, by one row. */
  abstract raiseEveryonesEpoch(reason: string): Promise<void>;

  /** A user's live sessions. */
  abstract list(userId: string, page: PageRequest): Promise<readonly Session[]>;

  /** Users whose epoch was raised and whose ended rows are not all marked; only the given one where one is given. */
  abstract stalePrincipals(
    limit: number,
    of?: { readonly userId: string },
  ): Promise<readonly StalePrincipal[]>;

  /**
   * Marks up to `limit` rows that the principal's epoch has ended, and, when none is left, the principal as swept.
   *
   * `announce` is called for each of them before the mark is there to stay: if the process dies in between, or `announce`
   * throws, the rows are unmarked and come with a later call. While none fails, each session is handed to one call only,
   * however many run at once. A call whose marks lose to another transaction marks again, and announces again what it
   * marks: `announce` has to remember.
   * @returns the sessions this call marked.
   */
  abstract sweep(
    principal: StalePrincipal,
    limit: number,
    announce?: (ended: EndedSession) => void,
  ): Promise<readonly EndedSession[]>;

  /** Deletes up to `limit` rows whose `purge_at` has passed *at the moment of the deletion*. */
  abstract purgeBatch(request: PurgeBatchRequest): Promise<PurgeBatch>;

  /**
   * Deletes the rows of a range of ids whose `purge_at` has passed *at the moment of the deletion*, but for those that
   * someone else has locked.
   */
  abstract purgeRange(request: PurgeRangeRequest): Promise<PurgeRange>;

  /** The share of rows whose `purge_at` is at or before the cutoff, from 0 to 1, estimated from a bounded number of rows. */
  abstract overdueShare(cutoff: number): Promise<number>;

  /** Counts the whole table. */
  abstract statistics(): Promise<StoreStatistics>;

  /**
   * How long the most overdue row has been waiting for the purge, in milliseconds; 0 where none is. Unlike `statistics` it
   * costs one row of the index on `purge_at`.
   */
  abstract oldestOverdueMs(): Promise<number>;

  /** Runs `work` in one transaction of the store: all its writes commit, or none. Rejects with what `work` rejects with. */
  abstract transaction<T>(work: (store: SessionStore) => Promise<T>): Promise<T>;

  /** This store inside a transaction of the caller's. */
  abstract within(manager: TransactionManager): SessionStore;

  /** Runs `callback` once the surrounding transaction has committed, or now where there is none; never after a rollback. */
  abstract afterCommit(callback: () => void): void;
}
