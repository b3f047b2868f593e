import type { ServerResponse } from 'node:http';

import { Stopwatch } from '../core/clock.js';
import { isSessionError, SessionError } from '../core/errors.js';
import type { CommitOutcome } from '../core/session-commit.js';
import { effectiveDeadlines } from '../core/session-policy.js';
import type { ActiveSession, Resolution } from '../core/session-resolution.js';
import type { SessionService } from '../core/session.service.js';
import type { Session, SessionRecord } from '../core/session.js';
import type { CurrentSession } from '../invalidation/current-session.js';
import type { ResolvedSessionOptions } from '../session.options-check.js';
import { describeClient, type HttpExchange } from './http-request.js';
import { RequestToken, type PresentedToken } from './presented-token.js';
import { RequestWork } from './request-work.js';
import { ResponseGate, type ResponseGateHooks } from './response-gate.js';
import type { SessionCarrier } from './session-carrier.js';
import { answerTo } from './session-exception.js';
import { isOver, isOvertaken, SessionLookup } from './session-lookup.js';
import { SessionResponse } from './session-response.js';
import { HandshakeRequest } from './websocket-handshake.js';

/** What the sessions of all requests have in common; the guard puts it together. */
export interface RequestSessionParts {
  readonly sessions: SessionService;
  readonly options: ResolvedSessionOptions;
  readonly carrier: SessionCarrier;
}

/**
 * Carries a request's session from the look-up to the response: what was found, what is wanted, what was written, and what
 * the client is told. `RequestSession` is its face to the application.
 */
export class RequestUnit implements ResponseGateHooks {
  readonly response: SessionResponse;
  /** The request and where its answer goes. */
  readonly exchange: HttpExchange;
  readonly #parts: RequestSessionParts;
  readonly #isActivity: boolean;
  readonly #lookup: SessionLookup;
  #work = new RequestWork();
  #begun: Resolution | undefined;
  #gate: ResponseGate | undefined;
  /** Whether there may be something for the response to wait for. */
  #isHolding = false;
  readonly #loadListeners: (() => void)[] = [];
  #isHeadSent = false;
  /** Whether the client still needs the token that replaced the one it presented. */
  #owesSuccessor = false;
  #last: Promise<unknown> = Promise.resolve();
  #running = 0;

  /** @param isActivity whether the request counts as activity of its session: only then is it touched and rotated. */
  constructor(parts: RequestSessionParts, exchange: HttpExchange, isActivity: boolean) {
    this.#parts = parts;
    this.exchange = exchange;
    this.#isActivity = isActivity;
    this.#lookup = new SessionLookup(parts.sessions, presentedWith(parts, exchange));
    this.response = new SessionResponse(parts.carrier);
  }

  get isLoaded(): boolean {
    return this.#begun !== undefined;
  }

  /** The stored session as last read or written; `null` where there is none or nobody looked. */
  get record(): SessionRecord | null {
    return this.#lookup.record;
  }

  /** The token that the client holds once it has the response. */
  get token(): string | null {
    return this.#lookup.token;
  }

  /** The store's clock now, as far as this process has heard it. */
  get now(): number {
    return this.#lookup.now ?? this.#parts.sessions.now;
  }

  /** What is wanted, to be read. */
  get work(): RequestWork {
    return this.#work;
  }

  /** The same for whoever adds to it: from now on the response waits until it is written. */
  openWork(): RequestWork {
    this.#holdResponse();
    return this.#work;
  }

  /** Whether there is something to wait for before the response: work to write, or a token to send. */
  get isPending(): boolean {
    return this.#running > 0 || this.#owesSuccessor || !this.#work.isEmpty;
  }

  /** At once where this process remembers the session, which `isFresh` does not let it do. */
  load(isFresh = false): Resolution | Promise<Resolution> {
    const found = this.#lookup.load(isFresh);
    return found instanceof Promise
      ? found.then((resolution) => this.#loaded(resolution))
      : this.#loaded(found);
  }

  /** Makes sure by the database that the session is live. @throws `SESSION_ENDED` where it was ended a moment ago. */
  async confirm(): Promise<void> {
    const { record } = this;
    const { status } = await this.load(true);
    if (record === null || status === 'active') return;
    throw new SessionError(
      'SESSION_ENDED',
      `Expected a live session, got one that is ${status}. Nothing was written; sign in again.`,
    );
  }

  /** Calls `listener` once somebody has asked for the session; at once where that was before. */
  whenLoaded(listener: () => void): void {
    if (this.isLoaded) listener();
    else this.#loadListeners.push(listener);
  }

  /** Runs what writes one after another, so that a commit meets no revocation half done. */
  inOrder<T>(operation: () => Promise<T>): Promise<T> {
    this.#holdResponse();
    this.#running += 1;
    const result = this.#last.then(operation).finally(() => (this.#running -= 1));
    this.#last = result.catch(() => undefined);
    return result;
  }

  /** Writes what is pending. Nothing pending, or nobody looked: no query. */
  async commit(): Promise<void> {
    if (this.#work.isEmpty) return this.#sendSuccessor();
    this.#assertTokenCanBeSent();
    this.#assertNotOvertaken();
    try {
      const current = await this.#lookup.current();
      const work = this.#work.toCommit(current, describeClient(this.exchange.request));
      this.#accept(await this.#parts.sessions.commit(work));
    } catch (error) {
      if (isSessionError(error, 'SESSION_ENDED')) await this.#endedMeanwhile();
      throw error;
    }
  }

  /** The request has no session any more; the client is told so where it had one. */
  forget({ isTold }: { readonly isTold: boolean }): void {
    this.#lookup.forget();
    this.discard();
    if (isTold) this.response.take({ isCourtesy: false });
  }

  /** Drops what is not committed. */
  discard(): void {
    this.#work = new RequestWork(this.record?.data ?? null);
    this.#owesSuccessor = false;
  }

  /** What the response waits for. */
  before(statusCode: number): Promise<void> | undefined {
    if (statusCode >= 500) this.discard();
    return this.isPending ? this.inOrder(() => this.commit()) : undefined;
  }

  onHead(response: ServerResponse, statusCode: number): void {
    this.#isHeadSent = true;
    this.response.writeHead(response, statusCode);
  }

  onFailure(response: ServerResponse, error: unknown): { readonly statusCode: number } {
    this.discard();
    return answerTo(error, response);
  }

  /** The session as the credential subscriber may see it, without a look-up. */
  asCurrent(): CurrentSession {
    const session = (): Session | undefined => this.record?.session;
    return {
      get id() {
        return session()?.id ?? null;
      },
      get userId() {
        return session()?.userId ?? null;
      },
      requireRotation: () => {
        if (this.#isHeadSent) throw this.#tokenUnsendable();
        this.openWork().rotation = 'own';
      },
    };
  }

  #loaded(resolution: Resolution): Resolution {
    if (this.#begun === resolution) return resolution;
    if (this.#begun === undefined) {
      this.#standBeforeResponse();
      this.response.markRead();
      if (this.#lookup.isPresented) this.response.markPrivate();
    }
    this.#begun = resolution;
    this.#begin(resolution);
    for (const listener of this.#loadListeners.splice(0)) listener();
    return resolution;
  }

  #begin(resolution: Resolution): void {
    if (resolution.status !== 'active') {
      this.discard();
      if (this.#lookup.isPresented && isOver(resolution)) this.response.take({ isCourtesy: true });
      return;
    }
    // What was wanted meanwhile, on what this process remembered, still is.
    if (this.#work.isEmpty) this.#work = new RequestWork(resolution.record.data);
    this.#owesSuccessor = resolution.successor !== null;
    if (this.#owesSuccessor) this.#holdResponse();
    if (this.#isActivity) this.#noteActivity(resolution);
  }

  #noteActivity(active: ActiveSession): void {
    const { sessions } = this.#parts;
    if (sessions.isTouchDue(active)) {
      sessions.touch(active, describeClient(this.exchange.request));
    }
    if (!this.#isHeadSent && sessions.isRotationDue(active)) this.openWork().rotation = 'due';
  }

  #standBeforeResponse(): void {
    const { response } = this.exchange;
    this.#isHeadSent = response === null;
    if (response === null) return;
    this.#gate = new ResponseGate(response, this);
    this.#isHeadSent = this.#gate.isHeadOut;
    this.#gate.guardHead();
    if (this.#isHolding) this.#gate.guardBody();
  }

  #holdResponse(): void {
    this.#isHolding = true;
    this.#gate?.guardBody();
  }

  /**
   * Sends the token that a parallel request rotated to. The session is looked at once more: a sign-out, a sign-in or a
   * newer rotation may have come first, and this response must not put an old token over what that one left in the browser.
   */
  async #sendSuccessor(): Promise<void> {
    const current = this.#owesSuccessor ? await this.#lookup.current() : null;
    if (current?.successor == null || this.#isHeadSent) return;
    this.#owesSuccessor = false;
    const { id, generation } = current.record.session;
    const session = await this.#parts.sessions.find(id);
    if (session?.generation === generation)
      this.#accept({ record: current.record, token: current.successor });
  }

  #accept(outcome: CommitOutcome): void {
    const before = this.record?.session;
    this.#lookup.accept(outcome);
    this.#owesSuccessor = false;
    this.#work.committed(outcome.record?.data ?? null);
    const isResent = hasOtherCookie(before, outcome.record?.session);
    const token = outcome.token ?? (isResent ? this.#lookup.token : null);
    if (token === null || outcome.record === null) return;
    const { session, now } = outcome.record;
    const { expiresAt } = effectiveDeadlines(session, this.#parts.sessions.policyOf(session));
    this.response.give(token, session.persistent ? expiresAt - now : null);
  }

  #assertTokenCanBeSent(): void {
    if (this.#isHeadSent && this.#work.needsToken(this.record !== null))
      throw this.#tokenUnsendable();
  }

  /**
   * A request that comes a moment too late has no session to write to, and must begin none: its cookie would take the place
   * of the newer one in the browser. A sign-in may: it is meant to.
   */
  #assertNotOvertaken(): void {
    if (this.record !== null || this.#work.signIn !== null) return;
    if (!isOvertaken(this.#lookup.presented, this.#parts.options.rotationGraceMs)) return;
    throw new SessionError(
      'SESSION_ENDED',
      'Expected the newest token of the browser, got one that a sign-in or a rotation replaced a moment ago. Nothing was written; repeat the request.',
    );
  }

  #tokenUnsendable(): SessionError {
    return new SessionError(
      'SESSION_RESPONSE_SENT',
      this.exchange.response === null
        ? 'Expected to give the client a token, got a socket, over which none can be sent. Sign in, and do what asks for a new token, over HTTP.'
        : 'Expected to give the client a token, got a response whose head was sent before. Change the session, or call save(), before the first byte.',
    );
  }

  async #endedMeanwhile(): Promise<void> {
    const isTold =
      this.exchange.response !== null &&
      isOver(await this.#parts.sessions.resolve(this.#lookup.token));
    this.forget({ isTold });
  }
}

/**
 * Whether the cookie of the same token lives longer or shorter than before. Not where another request has rotated: the
 * browser may hold that token.
 */
function hasOtherCookie(before: Session | undefined, after: Session | undefined): boolean {
  if (before === undefined || after === undefined || before.id !== after.id) return false;
  if (before.generation !== after.generation) return false;
  const isMoved = after.persistent && before.expiresAt !== after.expiresAt;
  return before.persistent !== after.persistent || isMoved;
}

function presentedWith(
  { carrier, options }: RequestSessionParts,
  { request }: HttpExchange,
): PresentedToken {
  return request instanceof HandshakeRequest
    ? request.token((handshake) => carrier.read(handshake), options.clock ?? new Stopwatch())
    : new RequestToken(carrier.read(request));
}
