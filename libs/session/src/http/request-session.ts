import { assertAmr } from '../core/authentication-methods.js';
import { SessionError } from '../core/errors.js';
import type { SessionData, SessionDataRecord } from '../core/session-data.js';
import { earliestDeadline, effectiveDeadlines, type Deadlines } from '../core/session-policy.js';
import type { Resolution } from '../core/session-resolution.js';
import { ANONYMOUS_POLICY, DEFAULT_POLICY, policyNamed } from '../core/session-settings.js';
import type { SessionWork, SignInOptions } from '../core/session-work.js';
import type { RevokeReason, Session } from '../core/session.js';
import { assertUserId } from '../core/user-id.js';
import type { HttpExchange } from './http-request.js';
import { RequestSessionData } from './request-session-data.js';
import {
  defaultExpiry,
  expiryAfter,
  expiryAt,
  expiryLimits,
  type ExpiryLimits,
} from './request-session-expiry.js';
import type { RequestWork } from './request-work.js';
import { RequestUnit, type RequestSessionParts } from './request-unit.js';

/** What the guard and the interceptor work on behind the application's back. */
export let requestUnitOf: (session: RequestSession) => RequestUnit;

/**
 * The session of one request, a unit of work: what is called here is written by one commit before the response leaves,
 * and only if the handler neither threw nor answered 500 or above. `signOut` and `revoke…` take effect at once.
 *
 * On a public route nothing is looked up until somebody asks: take the session with `@CurrentSession()`, or
 * `await load()` first. Until then everything else throws `SESSION_CONTEXT_MISSING`. Points in time are epoch
 * milliseconds of the store's clock, and `null` where there is no stored session.
 */
export class RequestSession {
  readonly #parts: RequestSessionParts;
  readonly #unit: RequestUnit;

  constructor(parts: RequestSessionParts, exchange: HttpExchange, isActivity: boolean) {
    this.#parts = parts;
    this.#unit = new RequestUnit(parts, exchange, isActivity);
  }

  /** Names the session in lists, logs and events; no secret. `null` until it is stored: a sign-in has a new one. */
  get id(): string | null {
    return this.#stored?.id ?? null;
  }

  /** Whose session this is, a sign-in of this request included; `null` while anonymous. */
  get userId(): string | null {
    const { signIn } = this.#wanted;
    return signIn === null ? (this.#stored?.userId ?? null) : signIn.userId;
  }

  get isAuthenticated(): boolean {
    return this.userId !== null;
  }

  get createdAt(): number | null {
    return this.#stored?.createdAt ?? null;
  }

  /** When the user last proved who they are. */
  get authenticatedAt(): number | null {
    return this.#stored?.authenticatedAt ?? null;
  }

  /** Milliseconds since the user last proved who they are. */
  get authenticationAgeMs(): number | null {
    const { authenticatedAt } = this;
    return authenticatedAt === null ? null : this.#unit.now - authenticatedAt;
  }

  /** Authentication assurance level of that proof (NIST SP 800-63B-4), one of this request included. */
  get aal(): number | null {
    const { signIn, authenticated } = this.#wanted;
    if (signIn !== null) return signIn.options.aal ?? 1;
    return authenticated?.aal ?? this.#stored?.aal ?? null;
  }

  /** The last activity that was written: up to the touch interval ago for a session in use. */
  get lastSeenAt(): number | null {
    return this.#stored?.lastSeenAt ?? null;
  }

  /** When the session ends at the latest. */
  get expiresAt(): number | null {
    return this.#deadlines?.expiresAt ?? null;
  }

  /** When silence ends it; `null` also for a session without an idle timeout. */
  get idleExpiresAt(): number | null {
    return this.#deadlines?.idleExpiresAt ?? null;
  }

  /** Milliseconds until the earlier of the two. */
  get remainingMs(): number | null {
    const deadlines = this.#deadlines;
    return deadlines === null ? null : Math.max(0, earliestDeadline(deadlines) - this.#unit.now);
  }

  /**
   * The token that a commit of this request gave out, for a bearer client that expects it in a body; `save()` first.
   * It is in the `Session-Token` header anyhow. `null` with the cookie carrier: that token is for no script (ASVS 3.3.4).
   */
  get token(): string | null {
    return this.#parts.carrier.isAmbient ? null : this.#unit.token;
  }

  /**
   * What a page sends back with unsafe requests where `requireCsrfToken` is set: another one at each call, good as long as
   * the session lives. `null` without a stored session, of which a sign-in has a new one.
   */
  get csrfToken(): string | null {
    const { id } = this;
    return id === null ? null : this.#parts.sessions.csrfToken(id);
  }

  /** The application's data. Change it freely, deep inside values too: what differs at the commit is written. */
  get data(): SessionDataRecord {
    return this.#work.data.working;
  }

  get<Key extends keyof SessionData>(key: Key): SessionData[Key] | undefined;
  get(key: string): unknown;
  get(key: string): unknown {
    return this.data[key];
  }

  set<Key extends keyof SessionData>(key: Key, value: SessionData[Key]): void;
  set(key: string, value: unknown): void;
  set(key: string, value: unknown): void {
    this.data[key] = value;
  }

  has(key: string): boolean {
    return this.data[key] !== undefined;
  }

  /** @returns whether there was such a key. */
  delete(key: string): boolean {
    const had = this.has(key);
    delete this.data[key];
    return had;
  }

  /** Removes the data; the session itself goes on. */
  clear(): void {
    this.#work.data.clear();
  }

  /**
   * Changes one value depending on what it is, atomically: at the commit `apply` runs again on the newest stored value,
   * so it must do nothing but compute. `get` shows what it made of the value that this request knows.
   */
  update<Key extends keyof SessionData>(
    key: Key,
    apply: (value: SessionData[Key] | undefined) => SessionData[Key] | undefined,
  ): void;
  update(key: string, apply: (value: unknown) => unknown): void;
  update(key: string, apply: (value: never) => unknown): void {
    this.#work.data.update(key, apply as (value: unknown) => unknown);
  }

  /**
   * Signs a user in: at the commit the session that the request came with ends, and a new one with a new token begins. The
   * data of an anonymous session goes along, that of another user does not.
   * @throws `SESSION_USER_INVALID`, `SESSION_POLICY_UNKNOWN` at once; `SESSION_CREDENTIAL_CHANGED`,
   * `SESSION_LIMIT_REACHED` at the commit.
   */
  signIn(userId: string, options: SignInOptions = {}): void {
    assertUserId(userId);
    assertAmr(options.amr);
    policyNamed(this.#parts.options, options.policy ?? DEFAULT_POLICY);
    const work = this.#work;
    if (this.userId !== null && this.userId !== userId) work.data = new RequestSessionData(null);
    work.signIn = { userId, options };
    work.authenticated = null;
  }

  /** Ends the session at once, whatever else the request does, and drops what it has not committed. */
  signOut({ reason = 'signed-out' }: { readonly reason?: RevokeReason } = {}): Promise<void> {
    return this.#unit.inOrder(async () => {
      await this.load();
      const stored = this.#unit.record?.session;
      if (stored !== undefined) await this.#parts.sessions.revoke(stored.id, { reason });
      this.#unit.forget({ isTold: stored !== undefined });
    });
  }

  /** Gives the session a new token at the commit; the old one is dead from then on. No session: nothing to do. */
  rotate(): void {
    const work = this.#work;
    if (this.#unit.record !== null && work.rotation !== 'own') work.rotation = 'now';
  }

  /**
   * Records a new proof of who the user is, and gives a new token. The session then claims exactly this proof: a weaker one
   * than before lowers the level.
   * @throws `SESSION_UNAUTHENTICATED` while anonymous.
   */
  stepUp({ aal, amr }: { readonly aal: 1 | 2 | 3; readonly amr?: readonly string[] }): void {
    if (!this.isAuthenticated) throw unauthenticated('step up');
    assertAmr(amr);
    const { signIn } = this.#work;
    if (signIn === null) {
      this.#work.authenticated = { aal, amr: amr ?? null };
      this.#work.rotation = 'own';
    } else {
      const options = { ...signIn.options, aal, ...(amr === undefined ? {} : { amr }) };
      this.#work.signIn = { ...signIn, options };
    }
  }

  /**
   * Ends all other sessions of the user at once. A sign-in of this request is committed first.
   * @throws `SESSION_UNAUTHENTICATED` while anonymous, `SESSION_ENDED`
   */
  revokeOthers({ reason }: { readonly reason?: RevokeReason } = {}): Promise<void> {
    return this.#revokeForUser(reason, true);
  }

  /**
   * Ends all sessions of the user at once, this one included.
   * @throws `SESSION_UNAUTHENTICATED` while anonymous, `SESSION_ENDED`
   */
  revokeAll({ reason }: { readonly reason?: RevokeReason } = {}): Promise<void> {
    return this.#revokeForUser(reason, false);
  }

  /**
   * Lets the session end after `ms` milliseconds of silence, 1,000 or more. Slides with each touch.
   * @throws `SESSION_EXPIRY_INVALID` where the policy allows less.
   */
  expireAfter(ms: number): void {
    this.#expire(expiryAfter(ms, this.#limits));
  }

  /**
   * Lets the session end at `date` at the latest. Does not slide.
   * @throws `SESSION_EXPIRY_INVALID` where `date` is past or the policy allows less.
   */
  expireAt(date: Date): void {
    this.#expire(expiryAt(date, this.#limits));
  }

  /** Makes the cookie one that the browser forgets when it closes. The session itself ends as before. */
  expireOnBrowserClose(): void {
    this.#expire({ persistent: false });
  }

  /** Goes back to what the policy says. */
  useDefaultExpiry(): void {
    const work = this.#work;
    work.expiryWishes = {};
    work.expiryDefaults = this.#stored === null ? {} : defaultExpiry(this.#limits);
  }

  /**
   * Commits now rather than when the handler is done: afterwards `id` and the deadlines are those of the stored session,
   * and what was written stays even if the handler fails. Nothing to write: no query.
   * @throws `SESSION_ENDED`, `SESSION_CREDENTIAL_CHANGED`, `SESSION_LIMIT_REACHED`, `SESSION_DATA_…`;
   * `SESSION_RESPONSE_SENT` where the client would need a token and the head of the response is out;
   * `SESSION_STORE_UNAVAILABLE`. Nothing is written then.
   */
  save(): Promise<void> {
    return this.#unit.inOrder(() => this.#unit.commit());
  }

  /**
   * Looks the session up, unless that was done. A forged token costs no query; store down: `SESSION_STORE_UNAVAILABLE`.
   * @returns what the presented token amounted to.
   */
  async load(): Promise<Resolution> {
    return this.#unit.load();
  }

  #revokeForUser(reason: RevokeReason = 'revoked', isKept: boolean): Promise<void> {
    return this.#unit.inOrder(async () => {
      await this.load();
      // A session that was ended must not end others: what this process remembers of it is not enough.
      await (this.#wanted.signIn === null ? this.#unit.confirm() : this.#unit.commit());
      const { userId, id } = this;
      if (userId === null || id === null) throw unauthenticated('end the sessions of a user');
      const { sessions } = this.#parts;
      await sessions.revokeAllForUser(userId, { reason, ...(isKept ? { except: id } : {}) });
      if (!isKept) this.#unit.forget({ isTold: true });
    });
  }

  #expire(expiry: SessionWork['expiry']): void {
    const work = this.#work;
    work.expiryWishes = { ...work.expiryWishes, ...expiry };
  }

  static {
    requestUnitOf = (session) => session.#unit;
  }

  /** What is pending, to be added to: the response waits for it from now on. */
  get #work(): RequestWork {
    this.#assertLoaded();
    return this.#unit.openWork();
  }

  /** What is pending, to be read. */
  get #wanted(): RequestWork {
    this.#assertLoaded();
    return this.#unit.work;
  }

  /** A wish depends on what is there. */
  #assertLoaded(): void {
    if (this.#unit.isLoaded) return;
    throw new SessionError(
      'SESSION_CONTEXT_MISSING',
      'Expected a session that was looked up, got that of a public route for which nobody asked. Take it with @CurrentSession(), or await load() first.',
    );
  }

  /** The stored session; `null` also where a sign-in of this request is about to replace it. */
  get #stored(): Session | null {
    return this.#wanted.signIn === null ? (this.#unit.record?.session ?? null) : null;
  }

  get #deadlines(): Deadlines | null {
    const stored = this.#stored;
    if (stored === null) return null;
    return effectiveDeadlines(stored, this.#parts.sessions.policyOf(stored));
  }

  get #limits(): ExpiryLimits {
    const { signIn } = this.#wanted;
    const signInPolicy =
      signIn === null ? ANONYMOUS_POLICY : (signIn.options.policy ?? DEFAULT_POLICY);
    return expiryLimits(this.#parts.options, this.#stored ?? signInPolicy, this.#unit.now);
  }
}

function unauthenticated(deed: string): SessionError {
  return new SessionError(
    'SESSION_UNAUTHENTICATED',
    `Expected a session that belongs to a user in order to ${deed}, got an anonymous one. Sign the user in first.`,
  );
}
