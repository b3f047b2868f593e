import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import type { TLSSocket } from 'node:tls';

import type { WebSocketAdapter } from '@nestjs/common';

import type { Clock } from '../core/clock.js';
import type { HttpRequest } from './http-request.js';
import {
  socketIoSocket,
  webSocket,
  type OpenSocket,
  type SocketIoLike,
  type WebSocketLike,
} from './open-socket.js';
import { SocketToken } from './presented-token.js';

/** How a socket was opened. */
export interface Handshake {
  /** What is the same for everything that comes over the socket, and for nothing else. */
  readonly connection: object;
  readonly request: IncomingMessage;
  /** When the client presented its token, in epoch milliseconds of this process; `null` where that is not known. */
  readonly openedAt: number | null;
  /** A token beside the headers, which browsers cannot set: Socket.IO's `auth.token`. */
  readonly offeredToken?: unknown;
  /** The socket that was opened, to be closed with its session. */
  readonly socket: OpenSocket;
}

/** What a gateway's socket is closed with: as HTTP's 401, in the range for applications (RFC 6455 section 7.4.2). */
const GATEWAY_CLOSE_CODE = 4401;

const tokens = new WeakMap<object, SocketToken>();

/**
 * The handshake of a socket, as the request of one message: each has a session of its own, looked up anew, so that one
 * that was ended meanwhile is refused with the next message.
 */
export class HandshakeRequest implements HttpRequest {
  readonly method = 'GET';
  /** Not known: the address is a proxy's where there is one, and no adapter's `trust proxy` looks at a handshake. */
  readonly ip = undefined;
  session?: unknown;
  readonly headers: IncomingHttpHeaders;
  readonly #handshake: Handshake;

  constructor(handshake: Handshake) {
    this.#handshake = handshake;
    this.headers = headersAsSent(handshake.request);
  }

  get raw(): IncomingMessage {
    return this.#handshake.request;
  }

  /** A proxy may claim `https`: that makes the check of the origin stricter, and never weaker. */
  get protocol(): string {
    const isEncrypted = (this.raw.socket as Partial<TLSSocket>).encrypted === true;
    const claimed = String(this.headers['x-forwarded-proto'] ?? '')
      .split(',', 1)[0]
      ?.trim();
    return isEncrypted || claimed === 'https' ? 'https' : 'http';
  }

  get host(): string | undefined {
    return this.headers.host;
  }

  get offeredToken(): unknown {
    return this.#handshake.offeredToken;
  }

  /** What is the same for everything that comes over the socket. */
  get connection(): object {
    return this.#handshake.connection;
  }

  get socket(): OpenSocket {
    return this.#handshake.socket;
  }

  /** The token of the socket, which all its messages share. */
  token(read: (request: HttpRequest) => string | undefined, clock: Clock): SocketToken {
    const { connection, openedAt } = this.#handshake;
    const known = tokens.get(connection);
    if (known !== undefined) return known;
    const presentedAt = openedAt === null ? null : clock.now() - Math.max(0, Date.now() - openedAt);
    const token = new SocketToken(read(this), presentedAt, clock);
    tokens.set(connection, token);
    return token;
  }
}

/**
 * The headers that came over the wire. Not `request.headers`: Mercurius adds to it what the client claims in a later
 * message, and a foreign page could claim to be none.
 */
function headersAsSent({ rawHeaders }: IncomingMessage): IncomingHttpHeaders {
  const headers: Record<string, string> = Object.create(null) as Record<string, string>;
  for (let index = 0; index + 1 < rawHeaders.length; index += 2) {
    const name = String(rawHeaders[index]).toLowerCase();
    const value = String(rawHeaders[index + 1]);
    const earlier = headers[name];
    const separator = name === 'cookie' ? '; ' : ', ';
    headers[name] = earlier === undefined ? value : earlier + separator + value;
  }
  return headers;
}

/** A Socket.IO socket, as far as it is looked at. */
interface SocketIoClient extends SocketIoLike {
  readonly request: IncomingMessage;
  readonly handshake: { readonly issued: number; readonly auth?: { readonly token?: unknown } };
}

const kept = new WeakMap<object, Handshake>();

/**
 * Makes a WebSocket adapter remember how each client connected, for the guard: Nest hands the request of a `ws` client to
 * `handleConnection` and to nobody else. Once, where the application chooses its adapter:
 *
 * ```ts
 * app.useWebSocketAdapter(keepHandshakes(new WsAdapter(app)));
 * ```
 *
 * Without it, gateways refuse every message of such clients. Socket.IO does not need it.
 * @returns the same adapter
 */
export function keepHandshakes<Adapter extends WebSocketAdapter>(adapter: Adapter): Adapter {
  const bind = adapter.bindClientConnect.bind(adapter);
  adapter.bindClientConnect = (server: unknown, callback: Function): unknown =>
    bind(server, (client: WebSocketLike, request: IncomingMessage, ...rest: unknown[]): unknown => {
      // Gateways that share a server each bind a callback of their own.
      if (!kept.has(client)) {
        const socket = webSocket(client, GATEWAY_CLOSE_CODE);
        kept.set(client, { connection: client, request, openedAt: Date.now(), socket });
      }
      return Reflect.apply(callback, undefined, [client, request, ...rest]);
    });
  return adapter;
}

/** How a client of a gateway connected; `undefined` where nobody kept it. */
export function handshakeOf(client: object): Handshake | undefined {
  if (!isSocketIo(client)) return kept.get(client);
  const { request, handshake } = client;
  const { issued: openedAt, auth } = handshake;
  const socket = socketIoSocket(client);
  return { connection: client, request, openedAt, offeredToken: auth?.token, socket };
}

function isSocketIo(client: object): client is SocketIoClient {
  return 'handshake' in client && 'request' in client;
}
