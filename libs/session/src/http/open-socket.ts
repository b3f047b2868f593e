import type { Socket } from 'node:net';

import type { Resolution } from '../core/session-resolution.js';
import { denialCode, whyDenied } from './denial.js';

/** A socket that a client has opened. */
export interface OpenSocket {
  /** Tells the client why its session is over, as far as the protocol can, and closes. */
  close(ended: Resolution): void;
  /** Calls `listener` once the socket is closed, by whomever. */
  onClosed(listener: () => void): void;
}

/** The part of a socket of the package `ws` that is used. */
export interface WebSocketLike {
  close(code: number, reason: string): void;
  once(event: 'close', listener: () => void): unknown;
}

/** The part of a socket of Socket.IO that is used. */
export interface SocketIoLike {
  emit(event: string, body: unknown): unknown;
  disconnect(isConnectionClosed: boolean): unknown;
  once(event: 'disconnect', listener: () => void): unknown;
}

/** Closed with `code`, and a word that says why. */
export function webSocket(client: WebSocketLike, code: number): OpenSocket {
  return {
    close: (ended) => client.close(code, denialCode(ended)),
    onClosed: (listener) => void client.once('close', listener),
  };
}

/** Socket.IO closes without a word, so that the client is told as with a message that is refused. */
export function socketIoSocket(client: SocketIoLike): OpenSocket {
  return {
    close(ended) {
      client.emit('exception', { status: 'error', code: 'SESSION_REQUIRED', ...whyDenied(ended) });
      client.disconnect(true);
    },
    onClosed: (listener) => void client.once('disconnect', listener),
  };
}

/**
 * Where the WebSocket itself is out of reach: the connection below it. The close frame of a server is not masked, and goes
 * between two frames of whoever else writes (RFC 6455 sections 5.1 and 5.5.1).
 */
export function upgradedSocket(connection: Socket, code: number): OpenSocket {
  return {
    close(ended) {
      const reason = Buffer.from(denialCode(ended));
      const head = Buffer.from([0x88, 2 + reason.length, code >> 8, code & 0xff]);
      connection.end(Buffer.concat([head, reason]));
    },
    onClosed: (listener) => void connection.once('close', listener),
  };
}
