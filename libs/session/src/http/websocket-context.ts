import type { ExecutionContext } from '@nestjs/common';

import { HttpExchange } from './http-request.js';
import { HandshakeRequest, handshakeOf } from './websocket-handshake.js';

/**
 * The handshake behind a message to a gateway, as a request of its own for each message; `undefined` where it is not known.
 *
 * Guards, interceptors and decorators of one message have nothing in common but its arguments, so that is where it is
 * kept: before the last one, which Nest reads as the pattern.
 */
export function exchangeOfMessage(context: ExecutionContext): HttpExchange | undefined {
  const args: unknown[] = context.getArgs();
  const known = args.find((arg) => arg instanceof HandshakeRequest);
  if (known !== undefined) return exchangeOver(known);
  const handshake = handshakeOf(context.switchToWs().getClient<object>());
  if (handshake === undefined) return undefined;
  const request = new HandshakeRequest(handshake);
  args.splice(-1, 0, request);
  return exchangeOver(request);
}

function exchangeOver(request: HandshakeRequest): HttpExchange {
  return new HttpExchange('ws', request, null);
}
