import type { ServerResponse } from 'node:http';

import { loadPeer } from '../jobs/load-peer.js';
import { SessionException, toHttpError, type SessionRefusal } from './session-exception.js';

/**
 * An error as the transport's own: what is not of Curfew's making comes back as it is. Nest's HTTP filters, and Apollo's
 * driver, read an `HttpException`; GraphQL clients find the refusal in the `extensions`; gateways tell their clients only
 * of a `WsException`.
 */
export async function toTransportError(
  error: unknown,
  transport: string,
  response: ServerResponse | null,
): Promise<unknown> {
  const exception = toHttpError(error, response);
  if (!(exception instanceof SessionException)) return exception;
  if (transport === 'ws') return toWsException(exception.refusal);
  if (transport === 'graphql') {
    return Object.assign(exception, { extensions: extensionsOf(exception.refusal) });
  }
  return exception;
}

/** The codes that Apollo's driver gives to these statuses; with them, clients are told the same by every driver. */
const GRAPHQL_CODES: Readonly<Record<number, string>> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
};

function extensionsOf(refusal: SessionRefusal): Record<string, unknown> {
  const code = GRAPHQL_CODES[refusal.statusCode] ?? 'INTERNAL_SERVER_ERROR';
  return { code, originalError: refusal };
}

/** Nest has loaded the package long before a message arrives. */
async function toWsException({ code, ...refusal }: SessionRefusal): Promise<Error> {
  const { WsException } = await loadPeer(
    '@nestjs/websockets',
    'gateways',
    () => import('@nestjs/websockets'),
  );
  const { statusCode: _, error: __, ...details } = refusal;
  return new WsException({ status: 'error', code, ...details });
}
