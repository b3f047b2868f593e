import type { Request } from 'express';
import session, { type SessionData } from 'express-session';

import { isSessionError } from '../core/errors.js';
import type { SessionDataRecord } from '../core/session-data.js';
import type { PreparedToken } from '../core/session-issuer.js';
import { earliestDeadline, effectiveDeadlines, shorter } from '../core/session-policy.js';
import type { ActiveSession, InactiveSession } from '../core/session-resolution.js';
import type { SessionService } from '../core/session.service.js';
import type { ClientDescription, SessionWork } from '../core/session-work.js';
import { answer, type Callback } from './answer.js';
import type { ExpressSessionStoreOptions } from './express-session.options.js';
import { InCallOrder } from './in-call-order.js';
import { passportUserOf } from './passport-user.js';
import { refusal, regenerateRequired } from './refusals.js';
import {
  cookieMaxAgeMs,
  parseStored,
  snapshotOf,
  toSessionData,
  withCookie,
  withSteadyAge,
} from './session-snapshot.js';

/** A session as a request holds it. */
interface HeldSession {
  readonly sid: string;
  /** As it was found; `null` for one that this request issued. */
  readonly active: ActiveSession | null;
  /** The data as the request last loaded or saved it: what differs at the next save is the request's own change. */
  readonly before: SessionDataRecord;
}

type FoundSession = HeldSession & { readonly active: ActiveSession };
type InactiveStatus = InactiveSession['status'];

/**
 * Curfew as a store of express-session. Its session id is a Curfew token, and the database holds only the token's hash.
 *
 * `get` of an id that is unknown, forged, expired or revoked: no session. `set` inserts once, in the request that `prepare`
 * made the id for; any later one is a conditional write of the keys that changed, and of a session that has ended it is
 * refused with `SESSION_ENDED`. `touch` and `destroy` of a session that has ended: nothing happens.
 * Store down: every callback gets `SESSION_STORE_UNAVAILABLE`.
 *
 * The optional `all`, `length` and `clear` are left out: the store does not know the ids. `SessionService` has `list`,
 * `statistics` and `revokeEveryone`.
 */
export class ExpressSessionStore extends session.Store {
  /** Gives a request a new session. express-session sets it. */
  declare generate: (request: Request) => void;

  readonly #sessions: SessionService;
  readonly #options: ExpressSessionStoreOptions;
  /** A save and a `destroy` that do not wait for each other happen in the order of the calls. */
  readonly #order = new InCallOrder();
  /** By request: the token that was made for its new session, until that is saved. */
  readonly #prepared = new WeakMap<object, PreparedToken>();
  /** By request; and by what `get` returned, until `createSession` tells whose it is. */
  readonly #held = new WeakMap<object, HeldSession>();

  constructor(sessions: SessionService, options: ExpressSessionStoreOptions) {
    super();
    this.#sessions = sessions;
    this.#options = options;
  }

  /** The id of a request's new session. Costs no query; nothing is stored before the session is saved. */
  prepare(request: Request): string {
    const prepared = this.#sessions.prepare();
    this.#prepared.set(request, prepared);
    return prepared.token;
  }

  override get(sid: string, callback: Callback<SessionData | null>): void {
    answer(() => this.#read(sid), callback);
  }

  override createSession(
    request: Request,
    data: SessionData,
  ): ReturnType<session.Store['createSession']> {
    const held = this.#held.get(data);
    if (held !== undefined) this.#held.set(request, held);
    return super.createSession(request, data);
  }

  override set(sid: string, data: SessionData, callback?: Callback<void>): void {
    answer(() => {
      const after = snapshotOf(data);
      return this.#order.run(sid, () => this.#save(sid, after, requestOf(data)));
    }, callback);
  }

  override touch(sid: string, data: SessionData, callback?: Callback<void>): void {
    answer(() => {
      const after = snapshotOf(data);
      return this.#order.run(sid, () => this.#touch(sid, after, requestOf(data)));
    }, callback);
  }

  override destroy(sid: string, callback?: Callback<void>): void {
    answer(() => this.#order.run(sid, () => this.#end(sid, 'signed-out')), callback);
  }

  override regenerate(request: Request, callback: Callback<void>): void {
    const sid = request.sessionID;
    answer(
      () => this.#order.run(sid, () => this.#end(sid, 'replaced')),
      (error) => {
        this.generate(request);
        callback(error);
      },
    );
  }

  async #read(sid: string): Promise<SessionData | null> {
    const found = await this.#sessions.resolve(sid);
    if (found.status !== 'active') return null;
    const { session: current, now, data: text } = found.record;
    const deadlines = effectiveDeadlines(current, this.#sessions.policyOf(current));
    const data = toSessionData(parseStored(text), earliestDeadline(deadlines) - now);
    this.#held.set(data, { sid, active: found, before: parseStored(text) });
    return data;
  }

  async #save(sid: string, after: SessionDataRecord, request: Request | undefined): Promise<void> {
    if (request !== undefined) {
      const prepared = this.#takePrepared(sid, request);
      if (prepared !== undefined) return this.#issue(prepared, after, request);
    }
    const held = await this.#find(sid, request);
    if (typeof held === 'string') throw refusal(held);
    const { id, userId } = held.active.record.session;
    const nextUserId = this.#userIdOf(after);
    if (nextUserId === userId) return this.#change(held, after, request);
    if (nextUserId !== null) throw regenerateRequired(userId);
    // Signed out without `regenerate`. The session was this user's and becomes nobody's: it ends.
    await this.#sessions.revoke(id, { reason: 'signed-out' });
    if (request !== undefined) this.#held.delete(request);
  }

  async #issue(prepared: PreparedToken, data: SessionDataRecord, request: Request): Promise<void> {
    const maxAgeMs = cookieMaxAgeMs(data);
    const userId = this.#userIdOf(data);
    const signIn =
      userId === null ? undefined : this.#options.signIn?.(this.#viewOf(data), request);
    await this.#sessions.issue({
      persistent: maxAgeMs !== null,
      ...signIn,
      ...(maxAgeMs === null ? {} : { idleTimeoutMs: maxAgeMs }),
      prepared,
      userId,
      data,
      client: clientOf(request),
    });
    this.#held.set(request, { sid: prepared.token, active: null, before: data });
  }

  async #touch(sid: string, after: SessionDataRecord, request: Request | undefined): Promise<void> {
    const held = await this.#find(sid, request);
    if (typeof held === 'string') return;
    // express-session touches when the data is unchanged, whatever the application did to the cookie.
    try {
      await this.#change(held, withCookie(held.before, after['cookie']), request);
    } catch (error) {
      if (!isSessionError(error, 'SESSION_ENDED')) throw error;
    }
  }

  async #change(
    { sid, active, before }: FoundSession,
    latest: SessionDataRecord,
    request: Request | undefined,
  ): Promise<void> {
    const after = withSteadyAge(latest, before);
    const client = clientOf(request);
    const { record } = await this.#sessions.commit({
      current: active,
      client,
      data: { before, after },
      updates: [],
      signIn: null,
      rotation: null,
      expiry: this.#expiryOf(active, before, after),
      authenticated: null,
    });
    const changed = record === null ? active : { ...active, record };
    if (request !== undefined) this.#held.set(request, { sid, active: changed, before: after });
    this.#sessions.touch(changed, client);
  }

  async #end(sid: string, reason: 'signed-out' | 'replaced'): Promise<void> {
    const found = await this.#sessions.resolve(sid);
    if (found.status === 'active') await this.#sessions.revoke(found.record.session.id, { reason });
  }

  /** The session as the request holds it, or else as it is stored; what is wrong with it where it is not live. */
  async #find(sid: string, request: Request | undefined): Promise<FoundSession | InactiveStatus> {
    const latest = request && this.#held.get(request);
    const held = latest?.sid === sid ? latest : undefined;
    const active = held?.active ?? (await this.#sessions.resolve(sid));
    if (active.status !== 'active') return active.status;
    return { sid, active, before: held?.before ?? parseStored(active.record.data) };
  }

  /** The token of a session that begins with this save; `undefined` where it began before, or was given up. */
  #takePrepared(sid: string, request: Request): PreparedToken | undefined {
    const prepared = this.#prepared.get(request);
    if (prepared?.token !== sid || request.session?.id !== sid) return undefined;
    this.#prepared.delete(request);
    return prepared;
  }

  #userIdOf(snapshot: SessionDataRecord): string | null {
    const userIdOf = this.#options.userId ?? passportUserOf;
    return userIdOf(this.#viewOf(snapshot)) ?? null;
  }

  /** What the options are called with: the session as it was when it was to be saved. */
  #viewOf(snapshot: SessionDataRecord): SessionData {
    const remainingMs = cookieMaxAgeMs(snapshot) ?? 0;
    return super.createSession({} as Request, toSessionData(snapshot, remainingMs));
  }

  /** A cookie that lives for some time gives the session an idle timeout; the policy's holds where it is shorter. */
  #expiryOf(
    { record }: ActiveSession,
    before: SessionDataRecord,
    after: SessionDataRecord,
  ): SessionWork['expiry'] {
    const maxAgeMs = cookieMaxAgeMs(after);
    if (maxAgeMs === cookieMaxAgeMs(before)) return {};
    const limits = this.#sessions.policyOf(record.session) ?? record.session;
    return {
      idleTimeoutMs: shorter(limits.idleTimeoutMs, maxAgeMs),
      persistent: maxAgeMs !== null,
    };
  }
}

/** express-session's `Session` knows its request. */
function requestOf(data: SessionData): Request | undefined {
  return (data as { req?: Request }).req;
}

function clientOf(request: Request | undefined): ClientDescription {
  return {
    ip: request?.ip ?? request?.socket?.remoteAddress ?? null,
    userAgent: request?.headers?.['user-agent'] ?? null,
  };
}
