import type { Clock } from '../core/clock.js';
import { SessionError } from '../core/errors.js';
import { applyPatch, parseData } from '../core/session-data.js';
import { countPurged } from '../core/purged-counts.js';
import {
  deadlinesAt,
  earliestDeadline,
  purgeAt,
  sessionState,
  shorter,
  type PurgeTiming,
} from '../core/session-policy.js';
import type {
  EndedSession,
  NewSession,
  PageRequest,
  PurgeBatch,
  PurgeBatchRequest,
  PurgedSession,
  PurgeRange,
  PurgeRangeRequest,
  SessionChange,
  StalePrincipal,
  StoreStatistics,
  Touch,
} from '../core/session-store.js';
import type { Session, SessionRecord } from '../core/session.js';
import { EVERYONE } from '../core/user-id.js';

/** A row of `sessions`. Never changed in place, so that a copy of the table is a snapshot. */
interface SessionRow {
  readonly session: Session;
  readonly tokenHash: string;
  readonly data: string | null;
  readonly purgeAt: number;
}

/** A row of `session_principals`. */
interface PrincipalRow {
  readonly epoch: number;
  readonly sweptEpoch: number;
  readonly reason: string;
  readonly updatedAt: number;
}

/** The two tables of the memory store and the statements on them; each statement runs to its end at once. */
export class MemoryTables {
  readonly #clock: Clock;
  readonly #timing: PurgeTiming;
  readonly #sessions: Map<string, SessionRow>;
  readonly #principals: Map<string, PrincipalRow>;

  constructor(
    clock: Clock,
    timing: PurgeTiming,
    sessions: ReadonlyMap<string, SessionRow> = new Map(),
    principals: ReadonlyMap<string, PrincipalRow> = new Map(),
  ) {
    this.#clock = clock;
    this.#timing = timing;
    this.#sessions = new Map(sessions);
    this.#principals = new Map(principals);
  }

  copy(): MemoryTables {
    return new MemoryTables(this.#clock, this.#timing, this.#sessions, this.#principals);
  }

  insert({ tokenHash, data, absoluteTimeoutMs, ...given }: NewSession): void {
    if (this.#sessions.has(given.id)) {
      throw new SessionError(
        'SESSION_STORE_UNAVAILABLE',
        'Expected a session id that was never used, got one of a session that exists. Make ids with newSessionId.',
      );
    }
    const now = this.#clock.now();
    const absoluteEnd = now + absoluteTimeoutMs;
    const expiresAt = Math.min(absoluteEnd, given.expiresAt ?? absoluteEnd);
    this.#save({
      session: {
        ...given,
        ...deadlinesAt(now, { idleTimeoutMs: given.idleTimeoutMs, expiresAt }),
        epoch: this.#requiredEpoch(given.userId),
        createdAt: now,
        lastSeenAt: now,
        authenticatedAt: given.userId === null ? null : now,
        rotatedAt: null,
        revokedAt: null,
        revokeReason: null,
        version: 0,
      },
      tokenHash,
      data,
      purgeAt: 0,
    });
  }

  find(id: string): SessionRecord | undefined {
    const row = this.#sessions.get(id);
    return row && this.#record(row);
  }

  update(id: string, change: SessionChange): boolean {
    const row = this.#liveRow(id);
    if (row === undefined || !isUnchanged(row, change)) return false;
    const now = this.#clock.now();
    const { session } = row;
    const { rotate, authenticated, idleTimeoutMs = session.idleTimeoutMs } = change;
    const idleExpiresAt =
      change.idleTimeoutMs === undefined
        ? session.idleExpiresAt
        : deadlinesAt(now, { ...session, idleTimeoutMs }).idleExpiresAt;
    this.#save({
      ...row,
      session: {
        ...session,
        idleTimeoutMs,
        idleExpiresAt,
        expiresAt: change.expiresAt ?? session.expiresAt,
        persistent: change.persistent ?? session.persistent,
        version: session.version + (change.data === undefined ? 0 : 1),
        ...(authenticated && { ...authenticated, authenticatedAt: now }),
        ...(rotate && { generation: session.generation + 1, rotatedAt: now }),
      },
      tokenHash: rotate?.tokenHash ?? row.tokenHash,
      data: change.data ? JSON.stringify(applyPatch(parseData(row.data), change.data)) : row.data,
    });
    return true;
  }

  touch(touches: readonly Touch[]): number {
    return touches.filter((touch) => this.#touchOne(touch)).length;
  }

  revoke(id: string, reason: string, of?: { readonly userId: string }): EndedSession | undefined {
    const row = this.#liveRow(id);
    if (row === undefined || (of !== undefined && row.session.userId !== of.userId))
      return undefined;
    return this.#end(row, reason);
  }

  /** Raises the epoch of a user, or of everyone. @returns the new one. */
  epochOf(userId: string): number {
    return this.#principals.get(userId)?.epoch ?? 0;
  }

  raiseEpoch(userId: string, reason: string, exceptId?: string, since = Infinity): number {
    const { epoch, sweptEpoch } = this.#principals.get(userId) ?? { epoch: 0, sweptEpoch: 0 };
    const updatedAt = this.#clock.now();
    if (epoch <= since) {
      this.#principals.set(userId, { epoch: epoch + 1, sweptEpoch, reason, updatedAt });
    }
    if (exceptId !== undefined) this.#except(exceptId, userId);
    return this.epochOf(userId);
  }

  list(userId: string, { after, limit }: PageRequest): readonly Session[] {
    return this.#rows()
      .filter(({ session }) => session.userId === userId && (after === null || session.id > after))
      .filter((row) => this.#isLive(row))
      .map(({ session }) => session)
      .toSorted((a, b) => (a.id < b.id ? -1 : 1))
      .slice(0, limit);
  }

  stalePrincipals(limit: number, of?: { readonly userId: string }): readonly StalePrincipal[] {
    return [...this.#principals]
      .filter(([userId]) => of === undefined || of.userId === userId)
      .filter(([, { epoch, sweptEpoch }]) => sweptEpoch < epoch)
      .slice(0, limit)
      .map(([userId, { epoch, reason }]) => ({ userId, epoch, reason }));
  }

  sweep({ userId, epoch, reason }: StalePrincipal, limit: number): readonly EndedSession[] {
    const ended = this.#rows()
      .filter(({ session }) => userId === EVERYONE || session.userId === userId)
      .filter((row) => this.#isEndedByEpochOnly(row))
      .slice(0, limit)
      .map((row) => this.#end(row, reason));
    const principal = this.#principals.get(userId);
    if (principal !== undefined && ended.length < limit) {
      const sweptEpoch = Math.max(principal.sweptEpoch, epoch);
      this.#principals.set(userId, { ...principal, sweptEpoch });
    }
    return ended;
  }

  purgeBatch({ cutoff, watermark, limit }: PurgeBatchRequest): PurgeBatch {
    const due = this.#rows()
      .filter((row) => row.purgeAt >= watermark && row.purgeAt <= cutoff)
      .toSorted((a, b) => a.purgeAt - b.purgeAt)
      .slice(0, limit);
    for (const { session } of due) this.#sessions.delete(session.id);
    return {
      selected: due.length,
      deleted: due.map(purgedSession),
      watermark: due.at(-1)?.purgeAt ?? watermark,
    };
  }

  purgeRange({ cutoff, after, span, isNaming }: PurgeRangeRequest): PurgeRange {
    const range = this.#rows()
      .filter(({ session }) => session.id > after)
      .toSorted((a, b) => (a.session.id < b.session.id ? -1 : 1))
      .slice(0, span);
    const due = range.filter((row) => row.purgeAt <= cutoff).map(purgedSession);
    for (const { id } of due) this.#sessions.delete(id);
    return {
      counts: countPurged(due),
      sessions: isNaming ? due : [],
      through: range.length < span ? null : (range.at(-1)?.session.id ?? null),
    };
  }

  overdueShare(cutoff: number): number {
    const due = this.#rows().filter((row) => row.purgeAt <= cutoff).length;
    return due === 0 ? 0 : due / this.#sessions.size;
  }

  statistics(): StoreStatistics {
    const now = this.#clock.now();
    const overdue = this.#rows().filter((row) => row.purgeAt <= now);
    return {
      sessions: this.#sessions.size,
      overdue: overdue.length,
      oldestOverdueMs: overdue.reduce((oldest, row) => Math.max(oldest, now - row.purgeAt), 0),
    };
  }

  #touchOne({ id, ageMs, ip, userAgent, ...touch }: Touch): boolean {
    const row = this.#liveRow(id);
    const seenAt = this.#clock.now() - ageMs;
    if (row === undefined || row.session.lastSeenAt >= seenAt) return false;
    const { session } = row;
    const idleTimeoutMs = shorter(touch.idleTimeoutMs, session.idleTimeoutMs);
    this.#save(
      {
        ...row,
        session: {
          ...session,
          ...deadlinesAt(seenAt, { idleTimeoutMs, expiresAt: session.expiresAt }),
          lastSeenAt: seenAt,
          ip: ip ?? session.ip,
          userAgent: userAgent ?? session.userAgent,
        },
      },
      row.purgeAt,
    );
    return true;
  }

  #end(row: SessionRow, reason: string): EndedSession {
    const { id, userId } = row.session;
    const revokedAt = this.#clock.now();
    this.#sessions.set(id, {
      ...row,
      session: { ...row.session, revokedAt, revokeReason: reason },
      purgeAt: purgeAt(revokedAt, this.#timing),
    });
    return { id, userId, reason };
  }

  /** Writes a live row with the `purge_at` that follows from its deadlines, but not one below `leastPurgeAt`. */
  #save(row: SessionRow, leastPurgeAt = 0): void {
    const due = purgeAt(earliestDeadline(row.session), this.#timing);
    this.#sessions.set(row.session.id, { ...row, purgeAt: Math.max(due, leastPurgeAt) });
  }

  #rows(): SessionRow[] {
    return [...this.#sessions.values()];
  }

  /** Lets one session of the user live on that was live before the epoch was raised by one. */
  #except(id: string, userId: string): void {
    const row = this.#sessions.get(id);
    if (row === undefined || row.session.userId !== userId) return;
    const epoch = this.#requiredEpoch(userId);
    const { status } = sessionState({ ...this.#record(row), requiredEpoch: epoch - 1 }, undefined);
    if (status === 'active') this.#save({ ...row, session: { ...row.session, epoch } });
  }

  #liveRow(id: string): SessionRow | undefined {
    const row = this.#sessions.get(id);
    return row !== undefined && this.#isLive(row) ? row : undefined;
  }

  #isLive(row: SessionRow): boolean {
    return sessionState(this.#record(row), undefined).status === 'active';
  }

  /** Whether the epoch, and nothing else so far, has ended the session. */
  #isEndedByEpochOnly(row: SessionRow): boolean {
    const record = this.#record(row);
    const isEndedByEpoch = row.session.epoch < record.requiredEpoch;
    return (
      isEndedByEpoch && sessionState({ ...record, requiredEpoch: 0 }, undefined).status === 'active'
    );
  }

  #record({ session, tokenHash, data }: SessionRow): SessionRecord {
    return {
      session,
      tokenHash,
      data,
      requiredEpoch: this.#requiredEpoch(session.userId),
      epochReason: this.#epochReason(session.userId),
      now: this.#clock.now(),
    };
  }

  #requiredEpoch(userId: string | null): number {
    return this.#principalsOf(userId).reduce((sum, { epoch }) => sum + epoch, 0);
  }

  #epochReason(userId: string | null): string | null {
    const [latest] = this.#principalsOf(userId).toSorted((a, b) => b.updatedAt - a.updatedAt);
    return latest?.reason ?? null;
  }

  /** The rows whose epochs count for a session: its user's and everyone's. */
  #principalsOf(userId: string | null): PrincipalRow[] {
    const ids = userId === null ? [EVERYONE] : [userId, EVERYONE];
    return ids.flatMap((id) => this.#principals.get(id) ?? []);
  }
}

function isUnchanged(
  { session, tokenHash }: SessionRow,
  { ifVersion, rotate }: SessionChange,
): boolean {
  const hasVersion = ifVersion === undefined || ifVersion === session.version;
  const hasToken =
    rotate === undefined ||
    (rotate.fromGeneration === session.generation && rotate.fromTokenHash === tokenHash);
  return hasVersion && hasToken;
}

function purgedSession({ session, purgeAt: due }: SessionRow): PurgedSession {
  const { id, userId, revokedAt, revokeReason, expiresAt, idleExpiresAt } = session;
  const isAbsolute = idleExpiresAt === null || expiresAt <= idleExpiresAt;
  const expiry = isAbsolute ? 'absolute-expired' : 'idle-expired';
  return {
    id,
    userId,
    reason: revokedAt === null ? expiry : (revokeReason ?? 'revoked'),
    purgeAt: due,
  };
}
