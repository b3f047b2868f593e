import {
  Inject,
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import {
  catchError,
  concat,
  concatMap,
  defer,
  ignoreElements,
  isObservable,
  Observable,
  takeLast,
} from 'rxjs';

import { currentSession } from '../invalidation/current-session.js';
import { SESSION_OPTIONS } from '../session.constants.js';
import type { ResolvedSessionOptions } from '../session.options-check.js';
import { interceptDirectly, type DirectInterceptor } from './direct-interception.js';
import type { HttpExchange } from './http-request.js';
import { requestUnitOf, type RequestSession } from './request-session.js';
import { RouteReader, type RevokeSessionsOptions } from './route-requirements.js';
import { exchangeOf, sessionOn } from './session-context.js';
import { SocketConnections } from './socket-connections.js';
import { StreamConnections } from './stream-connections.js';
import { toTransportError } from './transport-error.js';
import { HandshakeRequest } from './websocket-handshake.js';

/** What is committed around one handler. */
class Handling {
  constructor(
    readonly session: RequestSession,
    readonly exchange: HttpExchange,
    readonly revokes: RevokeSessionsOptions | undefined,
  ) {}
}

/**
 * Commits the request's session when the handler has succeeded and before its answer leaves.
 *
 * A handler that throws commits nothing, whatever the status; neither does an answer of 500 or above. Nest answers with the
 * last value of an Observable, so the commit waits for that one; a stream of server-sent events commits before each event.
 * A handler that sends the answer itself (`@Res()`) commits at the first byte: see `ResponseGate`. So do the fields of a
 * GraphQL query, which run side by side on one session; those of a mutation commit one by one. A handler of a gateway
 * commits before each value that it answers. Errors with a code of Curfew's, be they of the commit or of a service that
 * the handler called, become the transport's own here.
 */
@Injectable()
export class SessionInterceptor implements NestInterceptor, DirectInterceptor {
  readonly #routes: RouteReader;
  /** Whether somebody reads the current session. Not otherwise: on Node 20 following it slows every promise down. */
  readonly #isFollowed: boolean;

  constructor(
    reflector: Reflector,
    @Inject(SESSION_OPTIONS) { principal }: Pick<ResolvedSessionOptions, 'principal'>,
    private readonly sockets: SocketConnections,
    private readonly streams: StreamConnections,
  ) {
    this.#routes = new RouteReader(reflector);
    this.#isFollowed = principal !== null;
    interceptDirectly();
  }

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const exchange = exchangeOf(context);
    return exchange === undefined
      ? next.handle()
      : this.#around(context, exchange, () => next.handle());
  }

  /** Nest itself subscribes to a stream of events. */
  goesDirectly(context: ExecutionContext): boolean {
    return !this.#routes.requirementsOf(context).isStream;
  }

  /** The same around a handler's promise, in which most routes need no Observable. */
  async interceptDirectly(
    context: ExecutionContext,
    handle: () => Promise<unknown>,
  ): Promise<unknown> {
    const exchange = exchangeOf(context);
    if (exchange === undefined) return handle();
    const session = sessionOn(exchange);
    try {
      const value = await (session === undefined ? handle() : this.#runWithin(session, handle));
      if (isObservable(value)) return this.#around(context, exchange, () => value);
      if (session !== undefined) {
        const { revokes } = this.#routes.requirementsOf(context);
        const settling = settle(new Handling(session, exchange, revokes), value);
        if (settling !== undefined) await settling;
      }
      return value;
    } catch (error) {
      throw await failureOf(error, session, exchange);
    }
  }

  #around(
    context: ExecutionContext,
    exchange: HttpExchange,
    handle: () => Observable<unknown>,
  ): Observable<unknown> {
    const session = sessionOn(exchange);
    if (session !== undefined && exchange.request instanceof HandshakeRequest) {
      this.sockets.watch(exchange.request);
    }
    const committed =
      session === undefined ? handle() : this.#commitAfter(session, context, exchange, handle);
    return committed.pipe(
      catchError(async (error: unknown) => {
        throw await failureOf(error, session, exchange);
      }),
    );
  }

  #commitAfter(
    session: RequestSession,
    context: ExecutionContext,
    exchange: HttpExchange,
    handle: () => Observable<unknown>,
  ): Observable<unknown> {
    // Subscribed to inside, as a handler's Observable does its work only then.
    const values = new Observable((subscriber) =>
      this.#runWithin(session, () => handle().subscribe(subscriber)),
    );
    const { revokes, isStream } = this.#routes.requirementsOf(context);
    if (isStream) return this.streams.whileLive(session, commitBeforeEach(session, values));
    if (exchange.transport === 'ws' && revokes === undefined) {
      const rest = defer(() => session.save()).pipe(ignoreElements());
      return concat(commitBeforeEach(session, values), rest);
    }
    return values.pipe(
      takeLast(1),
      concatMap(async (value) => {
        await settle(new Handling(session, exchange, revokes), value);
        return value;
      }),
    );
  }

  #runWithin<T>(session: RequestSession, work: () => T): T {
    return this.#isFollowed ? currentSession.run(requestUnitOf(session).asCurrent(), work) : work();
  }
}

/** Commits what a handler wanted before its `value` is answered, or drops it. Nothing to do: nothing to wait for. */
function settle(handling: Handling, value: unknown): Promise<void> | undefined {
  const { session, exchange, revokes } = handling;
  const unit = requestUnitOf(session);
  const { isPending } = unit;
  if (!isPending && revokes === undefined) return undefined;
  if (statusOf(value, exchange) >= 500) {
    unit.discard();
    return undefined;
  }
  const isCommitting = !exchange.hasSiblings && isPending;
  return isCommitting || revokes !== undefined ? finish(handling, isCommitting) : undefined;
}

async function finish({ session, revokes }: Handling, isCommitting: boolean): Promise<void> {
  if (isCommitting) await session.save();
  if (revokes !== undefined) await endSessions(session, revokes);
}

/** An error as the client is to meet it. Nothing of its handler is committed. */
async function failureOf(
  error: unknown,
  session: RequestSession | undefined,
  { transport, response, hasSiblings }: HttpExchange,
): Promise<unknown> {
  // What the fields beside this one have set stays.
  if (session !== undefined && !hasSiblings) requestUnitOf(session).discard();
  return toTransportError(error, transport, response);
}

function commitBeforeEach(
  session: RequestSession,
  values: Observable<unknown>,
): Observable<unknown> {
  return values.pipe(concatMap((value) => session.save().then(() => value)));
}

/** A handler may return a web `Response`, whose status wins over the one set before. */
function statusOf(value: unknown, { response }: HttpExchange): number {
  return value instanceof Response ? value.status : (response?.statusCode ?? 200);
}

async function endSessions(
  session: RequestSession,
  { scope, reason }: RevokeSessionsOptions,
): Promise<void> {
  const options = reason === undefined ? {} : { reason };
  if (scope === 'current') return session.signOut(options);
  await session.load();
  if (!session.isAuthenticated) return;
  await (scope === 'others' ? session.revokeOthers(options) : session.revokeAll(options));
}
