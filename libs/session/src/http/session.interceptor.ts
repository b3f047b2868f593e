import {
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { SSE_METADATA } from '@nestjs/common/constants.js';
import { Reflector } from '@nestjs/core';
import { catchError, concat, concatMap, defer, ignoreElements, Observable, takeLast } from 'rxjs';

import { currentSession } from '../invalidation/current-session.js';
import type { HttpExchange } from './http-request.js';
import { requestUnitOf, type RequestSession } from './request-session.js';
import { requirementsOf, type RevokeSessionsOptions } from './route-requirements.js';
import { exchangeOf, findRequestSession } from './session-context.js';
import { toTransportError } from './transport-error.js';

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
export class SessionInterceptor implements NestInterceptor {
  constructor(private readonly reflector: Reflector) {}

  intercept(context: ExecutionContext, next: CallHandler): Observable<unknown> {
    const exchange = exchangeOf(context);
    if (exchange === undefined) return next.handle();
    const session = findRequestSession(context);
    const values =
      session === undefined ? next.handle() : this.#commitAfter(session, context, exchange, next);
    return values.pipe(
      catchError(async (error: unknown) => {
        // What the fields beside this one have set stays.
        if (session !== undefined && !exchange.hasSiblings) requestUnitOf(session).discard();
        throw await toTransportError(error, exchange.transport, exchange.response);
      }),
    );
  }

  #commitAfter(
    session: RequestSession,
    context: ExecutionContext,
    exchange: HttpExchange,
    next: CallHandler,
  ): Observable<unknown> {
    const values = runWithin(session, next);
    if (this.reflector.get<unknown>(SSE_METADATA, context.getHandler()) === true) {
      return commitBeforeEach(session, values);
    }
    const { revokes } = requirementsOf(this.reflector, context);
    if (exchange.transport === 'ws' && revokes === undefined) {
      const rest = defer(() => session.save()).pipe(ignoreElements());
      return concat(commitBeforeEach(session, values), rest);
    }
    return values.pipe(
      takeLast(1),
      concatMap(async (value) => {
        if (statusOf(value, exchange) >= 500) {
          requestUnitOf(session).discard();
        } else {
          if (!exchange.hasSiblings) await session.save();
          if (revokes !== undefined) await endSessions(session, revokes);
        }
        return value;
      }),
    );
  }
}

function commitBeforeEach(
  session: RequestSession,
  values: Observable<unknown>,
): Observable<unknown> {
  return values.pipe(concatMap((value) => session.save().then(() => value)));
}

/** Subscribed to inside, as a handler's Observable does its work only then. */
function runWithin(session: RequestSession, next: CallHandler): Observable<unknown> {
  return new Observable((subscriber) =>
    currentSession.run(requestUnitOf(session).asCurrent(), () =>
      next.handle().subscribe(subscriber),
    ),
  );
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
