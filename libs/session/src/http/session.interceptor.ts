import type { ServerResponse } from 'node:http';

import {
  Injectable,
  type CallHandler,
  type ExecutionContext,
  type NestInterceptor,
} from '@nestjs/common';
import { SSE_METADATA } from '@nestjs/common/constants.js';
import { Reflector } from '@nestjs/core';
import { catchError, concatMap, Observable, takeLast } from 'rxjs';

import { currentSession } from '../invalidation/current-session.js';
import type { HttpExchange } from './http-request.js';
import { requestUnitOf, type RequestSession } from './request-session.js';
import { requirementsOf, type RevokeSessionsOptions } from './route-requirements.js';
import { exchangeOf, findRequestSession } from './session-context.js';
import { toHttpError } from './session-exception.js';

/**
 * Commits the request's session when the handler has succeeded and before its answer leaves.
 *
 * A handler that throws commits nothing, whatever the status; neither does an answer of 500 or above. Nest answers with the
 * last value of an Observable, so the commit waits for that one; a stream of server-sent events commits before each event.
 * A handler that sends the answer itself (`@Res()`) commits at the first byte: see `ResponseGate`. Errors with a code of
 * Curfew's, be they of the commit or of a service that the handler called, become their HTTP answer here.
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
      catchError((error: unknown) => {
        if (session !== undefined) requestUnitOf(session).discard();
        throw toHttpError(error, exchange.response);
      }),
    );
  }

  #commitAfter(
    session: RequestSession,
    context: ExecutionContext,
    { response }: HttpExchange,
    next: CallHandler,
  ): Observable<unknown> {
    const values = runWithin(session, next);
    if (this.reflector.get<unknown>(SSE_METADATA, context.getHandler()) === true) {
      return values.pipe(concatMap((event) => session.save().then(() => event)));
    }
    const { revokes } = requirementsOf(this.reflector, context);
    return values.pipe(
      takeLast(1),
      concatMap(async (value) => {
        if (statusOf(value, response) >= 500) {
          requestUnitOf(session).discard();
        } else {
          await session.save();
          if (revokes !== undefined) await endSessions(session, revokes);
        }
        return value;
      }),
    );
  }
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
function statusOf(value: unknown, response: ServerResponse): number {
  return value instanceof Response ? value.status : response.statusCode;
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
