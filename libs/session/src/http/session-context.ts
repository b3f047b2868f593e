import type { ExecutionContext } from '@nestjs/common';

import { SessionError } from '../core/errors.js';
import { exchangeOfOperation } from './graphql-context.js';
import { HttpExchange, type HttpRequest, type HttpResponse } from './http-request.js';
import { RequestSession, requestUnitOf } from './request-session.js';
import { exchangeOfMessage } from './websocket-context.js';

/**
 * The request and the response behind an execution context; `undefined` for a transport that Curfew does not know, and
 * where that of a resolver or of a gateway does not lead to a request. The only place that tells transports apart.
 */
export function exchangeOf(context: ExecutionContext): HttpExchange | undefined {
  switch (context.getType<string>()) {
    case 'http':
      return exchangeOfRoute(context);
    case 'graphql':
      return exchangeOfOperation(context);
    case 'ws':
      return exchangeOfMessage(context);
    default:
      return undefined;
  }
}

function exchangeOfRoute(context: ExecutionContext): HttpExchange {
  // What `switchToHttp` returns, without the functions that it makes at each call.
  const request = context.getArgByIndex<HttpRequest>(0);
  const { session } = request;
  if (session instanceof RequestSession) return requestUnitOf(session).exchange;
  const response = context.getArgByIndex<HttpResponse>(1);
  return new HttpExchange('http', request, response.raw ?? response, false, session);
}

/** The session that the guard attached to the request; `undefined` where none did. */
export function sessionOn({ session }: HttpExchange): RequestSession | undefined {
  return session instanceof RequestSession ? session : undefined;
}

/** @throws `SESSION_CONTEXT_MISSING` where no guard attached a session to the request. */
export function requestSessionOf(context: ExecutionContext): RequestSession {
  const exchange = exchangeOf(context);
  const session = exchange && sessionOn(exchange);
  if (session !== undefined) return session;
  const route = `${context.getClass().name}.${context.getHandler().name}`;
  throw new SessionError(
    'SESSION_CONTEXT_MISSING',
    `Expected a session on the request of ${route}, got none. Import SessionModule, and remove @SkipSession() from routes that take a session.`,
  );
}
