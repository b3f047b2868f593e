import { Stopwatch, type Clock } from './clock.js';
import { SessionCommit, type CommitOutcome } from './session-commit.js';
import type { CacheRead, SessionCache } from './session-cache.js';
import { diagnostics, publishResolve } from './session-diagnostics.js';
import type { SessionEvents } from './session-events.js';
import {
  SessionIssuer,
  type IssueOptions,
  type IssuedSession,
  type PreparedToken,
} from './session-issuer.js';
import { SessionLimit } from './session-limit.js';
import { keepingSessions } from './keeping-sessions.js';
import { revokePrincipal } from './principal-revocation.js';
import { recordedClient } from './recorded-client.js';
import { assertRevokeReason } from './revoke-reason.js';
import {
  earliestDeadline,
  effectiveDeadlines,
  effectiveIdleTimeoutMs,
  sessionState,
  type SessionPolicy,
} from './session-policy.js';
import type { PurgeOptions, PurgeReport, SessionPurge } from './session-purge.js';
import { resolveRecord, type ActiveSession, type Resolution } from './session-resolution.js';
import { policyOf, type SessionSettings } from './session-settings.js';
import type { SessionStore, StoreStatistics, TransactionManager } from './session-store.js';
import { isSessionId } from './session-id.js';
import type { ParsedToken, SessionTokens } from './session-token.js';
import type { ClientDescription, SessionWork } from './session-work.js';
import type { RevokeReason, Session, SessionRecord } from './session.js';
import { StoreTime } from './store-time.js';
import { TouchBuffer } from './touch-buffer.js';
import { assertUserId } from './user-id.js';

const DEFAULT_PAGE_SIZE = 50;
const MAX_PAGE_SIZE = 100;

export interface SessionPage {
  readonly sessions: readonly Session[];
  /** Give it to the next call to go on; `null` on the last page. */
  readonly cursor: string | null;
}

/**
 * The sessions of an application: issue, resolve, rotate, list, revoke, purge.
 *
 * Store down: every method rejects with `SESSION_STORE_UNAVAILABLE` and has changed nothing, or nothing that it has not
 * reported; all of them may be repeated.
 */
export class SessionService {
  readonly #touches: TouchBuffer;
  readonly #commit: SessionCommit;
  readonly #issuer: SessionIssuer;
  readonly #limit: SessionLimit;
  readonly #time: StoreTime;

  /** @param clock the store's where it was given one; `null` where it goes by its own */
  constructor(
    private readonly store: SessionStore,
    private readonly tokens: SessionTokens,
    private readonly settings: SessionSettings,
    private readonly events: SessionEvents,
    private readonly purger: SessionPurge,
    clock: Clock | null,
    private readonly cache: SessionCache | null = null,
  ) {
    this.#time = new StoreTime(clock);
    this.#issuer = new SessionIssuer(tokens, settings, this.#time);
    this.#limit = new SessionLimit(settings, events);
    this.#commit = new SessionCommit(store, tokens, settings, events, this.#issuer, this.#limit);
    const stopwatch = clock ?? new Stopwatch();
    this.#touches = new TouchBuffer(store, stopwatch, settings.touchFlushMs, (outcome) => {
      if ('count' in outcome) events.emit('session:touched', outcome);
      else events.emit('session:touches-lost', { count: outcome.lostCount });
    });
  }

  /** @internal The store's time in epoch milliseconds, as far as this process has heard it. */
  get now(): number {
    return this.#time.now;
  }

  /**
   * Issues a session outside a request and returns its token, which is nowhere else. In a request handler use
   * `RequestSession.signIn`.
   * @throws `SESSION_USER_INVALID`, `SESSION_POLICY_UNKNOWN`, `SESSION_EXPIRY_INVALID`, `SESSION_CREDENTIAL_CHANGED`,
   * `SESSION_LIMIT_REACHED`, `SESSION_DATA_…`
   */
  async issue(options: IssueOptions): Promise<IssuedSession> {
    const minted = await this.#issuer.mint(this.store, options.prepared);
    const issued = await this.store.transaction(async (store) => {
      await this.#limit.makeRoom(store, options.userId ?? null);
      return this.#issuer.issue(store, options, minted);
    });
    const { id, userId, policy } = issued.session;
    this.events.emit('session:issued', { sessionId: id, userId, policy });
    return issued;
  }

  /**
   * A token for a session that `issue` makes later, where something else has to know the token first. It costs no query,
   * opens nothing until it is issued, and can be issued once, by this process.
   */
  prepare(): PreparedToken {
    return this.#issuer.prepare();
  }

  /**
   * What a presented token amounts to, by the database. A forged or malformed token costs no query. A token that was rotated away longer
   * than `rotationGraceMs` ago revokes its session (`onReuse: 'revoke'`) and raises `session:reuse-detected`.
   *
   * A socket presents its token once and is asked about it again and again: `presentedAgoMs` is how long ago that was, or
   * how long ago it was last found good, and `null` where nobody knows.
   */
  async resolve(
    presented: unknown,
    { presentedAgoMs = 0 }: { readonly presentedAgoMs?: number | null } = {},
  ): Promise<Resolution> {
    return diagnostics['curfew:resolve'].hasSubscribers
      ? publishResolve(() => this.#resolve(presented, presentedAgoMs))
      : this.#resolve(presented, presentedAgoMs);
  }

  async #resolve(presented: unknown, presentedAgoMs: number | null): Promise<Resolution> {
    if (presented === undefined || presented === null) return { status: 'absent' };
    const token = this.tokens.parse(presented);
    if (token === undefined) return { status: 'malformed' };
    const began = this.cache?.beginRead();
    const record = await this.store.find(token.id);
    if (record !== undefined) this.#time.hear(record.now);
    const resolution = resolveRecord(token, record, this.tokens, this.settings, presentedAgoMs);
    if (began !== undefined) this.#remember(began, presented, token, resolution);
    if (resolution.status !== 'superseded' || !resolution.reused) return resolution;
    return this.#onReuse(token.generation, resolution.record);
  }

  /**
   * The session that the token opened a moment ago, from the memory of this process; `undefined` where the database has to be
   * asked, and always without the option `cache`. It may have ended elsewhere less than `cache.ttlMs` ago.
   */
  cached(presented: unknown): ActiveSession | undefined {
    return typeof presented === 'string' ? this.cache?.get(presented) : undefined;
  }

  /**
   * Rotates the token of a live session: the old one is dead at once.
   * @returns the new token; `undefined` where the token opens nothing or another rotation came first.
   */
  async rotate(presented: unknown): Promise<IssuedSession | undefined> {
    const current = await this.resolve(presented);
    if (current.status !== 'active') return undefined;
    const outcome = await this.commit({
      current,
      client: { ip: null, userAgent: null },
      data: null,
      updates: [],
      signIn: null,
      rotation: 'now',
      expiry: {},
      authenticated: null,
    });
    if (outcome.token === null || outcome.record === null) return undefined;
    return { token: outcome.token, session: outcome.record.session };
  }

  /** A session by its id if it is live, else `undefined`. */
  async find(id: string): Promise<Session | undefined> {
    const record = isSessionId(id) ? await this.store.find(id) : undefined;
    return record !== undefined && this.#isLive(record)
      ? this.#underPolicy(record.session)
      : undefined;
  }

  /**
   * A user's live sessions, oldest first, at most 100 a page (50 unless given). A cursor that no page gave out: no
   * sessions.
   */
  async list(
    userId: string,
    request: { readonly cursor?: string | null; readonly limit?: number } = {},
  ): Promise<SessionPage> {
    assertUserId(userId);
    const { cursor = null } = request;
    if (cursor !== null && !isSessionId(cursor)) return { sessions: [], cursor: null };
    const wanted = Math.trunc(request.limit ?? DEFAULT_PAGE_SIZE) || DEFAULT_PAGE_SIZE;
    const limit = Math.min(Math.max(wanted, 1), MAX_PAGE_SIZE);
    const [rows, now] = await Promise.all([
      this.store.list(userId, { after: cursor, limit: limit + 1 }),
      this.store.now(),
    ]);
    const page = rows.slice(0, limit);
    // The store knows no policies: one that was lowered since shortens sessions here, as it does at every look-up.
    const sessions = page
      .map((session) => this.#underPolicy(session))
      .filter((session) => earliestDeadline(session) > now);
    return { sessions, cursor: rows.length > limit ? (page.at(-1)?.id ?? null) : null };
  }

  /**
   * Ends one session; with `userId`, only if it is that user's. At once, and for good.
   * @returns whether a live session was ended.
   * @throws `SESSION_REASON_INVALID`, `SESSION_USER_INVALID`
   */
  async revoke(
    id: string,
    options: { readonly userId?: string; readonly reason?: RevokeReason } = {},
  ): Promise<boolean> {
    const { userId, reason = 'revoked' } = options;
    assertRevokeReason(reason);
    if (userId !== undefined) assertUserId(userId);
    if (!isSessionId(id)) return false;
    const ended = await this.store.revoke(
      id,
      reason,
      userId === undefined ? undefined : { userId },
    );
    if (ended === undefined) {
      // It may have ended elsewhere a moment ago, or by a call whose answer was lost: no event of this process says so.
      this.cache?.evictSession(id);
      return false;
    }
    this.events.emit('session:revoked', { sessionId: ended.id, userId: ended.userId, reason });
    return true;
  }

  /**
   * Ends all sessions of a user, but for `except`, by one row whatever their number. With a `manager` it happens in the
   * caller's transaction: seen by others at its commit, gone with its rollback.
   * @throws `SESSION_REASON_INVALID`, `SESSION_USER_INVALID`
   */
  async revokeAllForUser(
    userId: string,
    options: {
      readonly reason?: RevokeReason;
      readonly except?: string;
      readonly manager?: TransactionManager;
    } = {},
  ): Promise<void> {
    assertUserId(userId);
    const { reason = 'revoked', except, manager } = options;
    assertRevokeReason(reason);
    const revoke = (store: SessionStore): Promise<void> =>
      revokePrincipal(store, this.events, userId, { reason, except });
    await (manager === undefined
      ? this.store.transaction(revoke)
      : revoke(this.store.within(manager)));
  }

  /**
   * Ends every session of the application, anonymous ones included, by one row.
   * @throws `SESSION_REASON_INVALID`
   */
  async revokeEveryone({
    reason = 'revoked',
  }: { readonly reason?: RevokeReason } = {}): Promise<void> {
    assertRevokeReason(reason);
    await this.store.raiseEveryonesEpoch(reason);
    this.events.emit('everyone:revoked', { reason });
  }

  /**
   * Runs `work` so that a changed credential ends no session: for storing a stronger hash of the same password at
   * sign-in, and for updates by criteria beside a `revokeAllForUser` of your own. With `principal.trigger`, what it writes
   * has to be in a transaction.
   */
  keepingSessions<T>(work: () => T): T {
    return keepingSessions(work);
  }

  /** The policy that a session was issued under, as configured now; `undefined` where it is no longer defined. */
  policyOf(session: Session): SessionPolicy | undefined {
    return policyOf(this.settings, session);
  }

  /**
   * Whether activity of a session is worth a write: not within the touch interval of the last one (or half the session's own
   * idle timeout, where that is shorter).
   */
  isTouchDue({ record }: ActiveSession): boolean {
    const { session, now } = record;
    const silentMs = now - session.lastSeenAt;
    // A session may be given a shorter idle timeout than its policy's, even one below the touch interval.
    const idleTimeoutMs = effectiveIdleTimeoutMs(session, this.policyOf(session)) ?? Infinity;
    const isDue = silentMs >= Math.min(this.settings.touchIntervalMs, idleTimeoutMs / 2);
    const skipped = diagnostics['curfew:touch-skipped'];
    if (!isDue && skipped.hasSubscribers) skipped.publish({});
    return isDue;
  }

  /** Records activity of a session, where that is due. Written a little later. */
  touch(active: ActiveSession, client: ClientDescription): void {
    if (!this.isTouchDue(active)) return;
    const { session } = active.record;
    const idleTimeoutMs = effectiveIdleTimeoutMs(session, this.policyOf(session));
    const { ip, userAgent } = recordedClient(client, this.settings);
    // What is recorded already is not sent again: it would be most of what a touch sends.
    this.#touches.add({
      id: session.id,
      idleTimeoutMs,
      ip: ip === session.ip ? null : ip,
      userAgent: userAgent === session.userAgent ? null : userAgent,
    });
    this.cache?.touched(session.id);
  }

  /** A CSRF token of the session with this id, another one at each call; good as long as the session lives. */
  csrfToken(id: string): string {
    return this.tokens.csrfToken(id);
  }

  /** Whether `presented` is a CSRF token of the session with this id; anything that is not one is `false`. */
  isCsrfToken(id: string, presented: unknown): boolean {
    return this.tokens.isCsrfToken(id, presented);
  }

  /** Whether the token is old enough for a periodic rotation. */
  isRotationDue({ record, successor }: ActiveSession): boolean {
    const { rotationIntervalMs } = this.settings;
    if (rotationIntervalMs === null || successor !== null) return false;
    const { rotatedAt, createdAt } = record.session;
    return record.now - (rotatedAt ?? createdAt) >= rotationIntervalMs;
  }

  /**
   * Carries out what a request wanted of its session, in one transaction at most.
   * @throws `SESSION_ENDED` where the session was ended meanwhile, `SESSION_CREDENTIAL_CHANGED`, `SESSION_LIMIT_REACHED`,
   * `SESSION_DATA_…`
   */
  async commit(work: SessionWork): Promise<CommitOutcome> {
    try {
      return await this.#commit.run(work);
    } finally {
      // Whatever came of it: what is remembered is older, and may be of a session that was found ended.
      if (work.current !== null) this.cache?.evictSession(work.current.record.session.id);
    }
  }

  /** Deletes rows whose retention is over; what the worker does on its schedule. */
  purge(options?: PurgeOptions): Promise<PurgeReport> {
    return this.purger.run(options);
  }

  statistics(): Promise<StoreStatistics> {
    return this.store.statistics();
  }

  /** Writes the touches that are pending. For shutdown and for tests. */
  flushTouches(): Promise<void> {
    return this.#touches.flush();
  }

  /** Only what opens a session by the token that is its newest is kept. Anything else is news of what was kept before. */
  #remember(began: CacheRead, presented: unknown, { id }: ParsedToken, found: Resolution): void {
    if (found.status === 'active' && found.successor === null && typeof presented === 'string') {
      this.cache?.fill(began, presented, found);
    } else {
      this.cache?.evictSession(id);
    }
  }

  /** The session with the deadlines that hold for it now. */
  #underPolicy(session: Session): Session {
    return { ...session, ...effectiveDeadlines(session, policyOf(this.settings, session)) };
  }

  #isLive(record: SessionRecord): boolean {
    return sessionState(record, this.policyOf(record.session)).status === 'active';
  }

  async #onReuse(generation: number, record: SessionRecord): Promise<Resolution> {
    const { id, userId } = record.session;
    this.events.emit('session:reuse-detected', { sessionId: id, userId, generation });
    if (this.settings.onReuse === 'report') return { status: 'superseded', record, reused: true };
    await this.revoke(id, { reason: 'token-reused' });
    return { status: 'revoked', reason: 'token-reused', record };
  }
}
