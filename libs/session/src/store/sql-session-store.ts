import { SessionError } from '../core/errors.js';
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
import { writeMany } from './bulk-write.js';
import type { EpochSweeper } from './epoch-sweeper.js';
import { sampleOverdueShare } from './overdue-sample.js';
import { purgeTransaction } from './purge-transaction.js';
import { RangePurge } from './range-purge.js';
import { newSessionValues, touchRows, type TouchRow } from './session-values.js';
import { isSessionId, LOWEST_ID } from '../core/session-id.js';
import {
  endedSessionOf,
  purgedSessionOf,
  recordOf,
  sessionOf,
  stalePrincipalOf,
} from './session-row.js';
import type { SessionSql } from './session-sql.js';
import type { SessionStatements } from './session-statements.js';
import type { StatementRunner } from './statement-runner.js';
import { UpdateStatement } from './statements/update-statement.js';
import { driverFailureOf } from './store-failure.js';

/** Longest statement of the purge, the sweep and the statistics, in milliseconds: they look at many rows. */
const MAINTENANCE_TIMEOUT_MS = 10_000;

/** What the stores of one data source share, in a transaction and outside. */
export interface StoreParts {
  readonly on: SessionSql;
  readonly statements: SessionStatements;
  readonly sweeper: EpochSweeper;
  /** The runner for a transaction of the caller's. */
  readonly runnerWithin: (manager: TransactionManager) => StatementRunner;
}

/** The store in terms of SQL, on whatever connection its runner uses. */
export class SqlSessionStore extends SessionStore {
  readonly #ranges: RangePurge;

  constructor(
    protected readonly parts: StoreParts,
    protected readonly runner: StatementRunner,
  ) {
    super();
    this.#ranges = new RangePurge(parts.statements, MAINTENANCE_TIMEOUT_MS);
  }

  async now(): Promise<number> {
    const { rows } = await this.runner.run(this.parts.statements.lookup.now, {});
    return Number(rows[0]?.['now']);
  }

  async insert(session: NewSession, proof?: CredentialProof): Promise<InsertOutcome> {
    const { insert, insertProven } = this.parts.statements;
    const values = newSessionValues(session);
    if (proof === undefined) {
      await this.runner.run(insert, values);
      return 'inserted';
    }
    if (insertProven === null) throw credentialUnconfigured();
    const { userId, credential } = proof;
    try {
      const proven = { ...values, provenUserId: userId, credential };
      const { affected } = await this.runner.run(insertProven, proven);
      return affected === 1 ? 'inserted' : 'credential-changed';
    } catch (error) {
      // An id that the user's column cannot hold, such as text for a number: there is no such user.
      if (driverFailureOf(error)?.isImpossibleValue === true) return 'credential-changed';
      throw error;
    }
  }

  async find(id: string): Promise<SessionRecord | undefined> {
    if (!isSessionId(id)) return undefined;
    return (await this.findAll([id])).get(id);
  }

  async update(id: string, change: SessionChange): Promise<boolean> {
    if (!isSessionId(id)) return false;
    const { statement, values } = new UpdateStatement(this.parts.on, id, change);
    // In a transaction of the store's, as that has an isolation level in which the UPDATE locks no principal.
    const { affected } = await (this.parts.on.dialect.locksWhatUpdatesRead
      ? this.runner.transaction((runner) => runner.run(statement, values))
      : this.runner.run(statement, values));
    return affected === 1;
  }

  async touch(touches: readonly Touch[]): Promise<number> {
    const rows = touchRows(touches);
    if (rows.length === 0) return 0;
    if (!this.parts.on.dialect.locksWhatUpdatesRead) return this.#touch(this.runner, rows);
    // A session that its principal ends between the two statements stays ended: a touch moves no epoch.
    return this.runner.transaction(async (runner) => {
      const ids = rows.map(({ id }) => id);
      const found = await runner.run(this.parts.statements.write.touchable, { ids });
      const live = new Set(found.rows.map((row) => row['id']));
      const touchable = rows.filter(({ id }) => live.has(id));
      return touchable.length === 0 ? 0 : this.#touch(runner, touchable);
    });
  }

  async #touch(runner: StatementRunner, rows: readonly TouchRow[]): Promise<number> {
    const { touch } = this.parts.statements.write;
    const { affected } = await runner.run(touch, { rows: JSON.stringify(rows) });
    return affected;
  }

  async revoke(
    id: string,
    reason: string,
    of?: { readonly userId: string },
  ): Promise<EndedSession | undefined> {
    if (!isSessionId(id)) return undefined;
    const { revoke, revokeOfUser, owner } = this.parts.statements.write;
    const statement = of === undefined ? revoke : revokeOfUser;
    const values = { id, reason, userId: of?.userId };
    if (this.parts.on.dialect.hasReturning) {
      const { rows } = await this.runner.run(statement, values);
      return rows.map((row) => endedSessionOf(row, reason))[0];
    }
    return this.runner.transaction(async (runner) => {
      const { affected } = await runner.run(statement, values);
      if (affected === 0) return undefined;
      const { rows } = await runner.run(owner, { id });
      return rows.map((row) => endedSessionOf(row, reason))[0];
    });
  }

  async lockPrincipal(userId: string): Promise<void> {
    await this.runner.run(this.parts.statements.epoch.lock, { userId });
  }

  epochOf(userId: string): Promise<number> {
    return this.#epochOf(this.runner, userId);
  }

  raiseEpoch(
    userId: string,
    reason: string,
    exceptId?: string,
    since = Number.MAX_SAFE_INTEGER,
  ): Promise<number> {
    const { raise, except } = this.parts.statements.epoch;
    return this.runner.transaction(async (runner) => {
      const isRaised =
        since < Number.MAX_SAFE_INTEGER && (await this.#epochOf(runner, userId)) > since;
      if (!isRaised) await runner.run(raise, { userId, reason });
      if (exceptId !== undefined && isSessionId(exceptId)) {
        await runner.run(except, { userId, id: exceptId });
      }
      return this.#epochOf(runner, userId);
    });
  }

  async raiseEveryonesEpoch(reason: string): Promise<void> {
    await this.runner.run(this.parts.statements.epoch.raise, { userId: EVERYONE, reason });
  }

  async list(userId: string, { after, limit }: PageRequest): Promise<readonly Session[]> {
    if (after !== null && !isSessionId(after)) return [];
    const values = { userId, after: after ?? LOWEST_ID, limit };
    const { rows } = await this.runner.run(this.parts.statements.lookup.list, values);
    return rows.map(sessionOf);
  }

  async stalePrincipals(
    limit: number,
    of?: { readonly userId: string },
  ): Promise<readonly StalePrincipal[]> {
    const { stale, staleOfUser } = this.parts.statements.epoch;
    const statement = of === undefined ? stale : staleOfUser;
    const { rows } = await this.runner.run(
      statement,
      { limit, userId: of?.userId },
      MAINTENANCE_TIMEOUT_MS,
    );
    return rows.map(stalePrincipalOf);
  }

  sweep(
    principal: StalePrincipal,
    limit: number,
    announce: (ended: EndedSession) => void = () => {},
  ): Promise<readonly EndedSession[]> {
    const batch = { principal, limit, announce, timeoutMs: MAINTENANCE_TIMEOUT_MS };
    return this.parts.sweeper.sweep(this.runner, batch);
  }

  purgeBatch(request: PurgeBatchRequest): Promise<PurgeBatch> {
    const { statements } = this.parts;
    return purgeTransaction(this.runner, statements, MAINTENANCE_TIMEOUT_MS, async (inside) => {
      const { found, written } = await writeMany(inside, statements.purge, { ...request });
      return {
        selected: found.length,
        deleted: written.map(purgedSessionOf),
        watermark: found.reduce(
          (last, row) => Math.max(last, Number(row['purgeAt'])),
          request.watermark,
        ),
      };
    });
  }

  purgeRange(request: PurgeRangeRequest): Promise<PurgeRange> {
    return this.#ranges.purge(this.runner, request);
  }

  overdueShare(cutoff: number): Promise<number> {
    const { overdue } = this.parts.statements;
    return sampleOverdueShare(this.runner, overdue, cutoff, MAINTENANCE_TIMEOUT_MS);
  }

  async statistics(): Promise<StoreStatistics> {
    const { statistics } = this.parts.statements.lookup;
    const { rows } = await this.runner.run(statistics, {}, MAINTENANCE_TIMEOUT_MS);
    const row = rows[0] ?? {};
    return {
      sessions: Number(row['sessions']),
      overdue: Number(row['overdue']),
      oldestOverdueMs: Math.max(0, Number(row['oldestOverdueMs'])),
    };
  }

  async oldestOverdueMs(): Promise<number> {
    const { rows } = await this.runner.run(this.parts.statements.lookup.oldestOverdue, {});
    return Math.max(0, Number(rows[0]?.['oldestOverdueMs'] ?? 0));
  }

  transaction<T>(work: (store: SessionStore) => Promise<T>): Promise<T> {
    return this.runner.transaction((runner) => work(new SqlSessionStore(this.parts, runner)));
  }

  within(manager: TransactionManager): SessionStore {
    return new SqlSessionStore(this.parts, this.parts.runnerWithin(manager));
  }

  afterCommit(callback: () => void): void {
    this.runner.afterCommit(callback);
  }

  async #epochOf(runner: StatementRunner, userId: string): Promise<number> {
    const { rows } = await runner.run(this.parts.statements.epoch.epochOf, { userId });
    return Number(rows[0]?.['epoch'] ?? 0);
  }

  /** Sessions by id, in one statement. */
  protected async findAll(ids: readonly string[]): Promise<ReadonlyMap<string, SessionRecord>> {
    const { rows } = await this.runner.run(this.parts.statements.lookup.find, { ids });
    return new Map(rows.map(recordOf).map((record) => [record.session.id, record]));
  }
}

function credentialUnconfigured(): SessionError {
  return new SessionError(
    'SESSION_CREDENTIAL_UNCONFIGURED',
    'Expected the `principal` option to check the credential of the sign-in with, got none. Name your user entity there, or sign in without `credential`.',
  );
}
