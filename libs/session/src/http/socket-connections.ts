import {
  Inject,
  Injectable,
  type OnApplicationBootstrap,
  type WebSocketAdapter,
} from '@nestjs/common';
import { ApplicationConfig } from '@nestjs/core';

import { Stopwatch } from '../core/clock.js';
import { SessionService } from '../core/session.service.js';
import { SESSION_OPTIONS } from '../session.constants.js';
import type { ResolvedSessionOptions } from '../session.options-check.js';
import { OpenConnections } from './open-connections.js';
import { createCarrier, type SessionCarrier } from './session-carrier.js';
import { HandshakeRequest, handshakeOf } from './websocket-handshake.js';

/** Has the sockets that came with a token watched over, from when they are opened: one may never send a message. */
@Injectable()
export class SocketConnections implements OnApplicationBootstrap {
  readonly #carrier: SessionCarrier;
  readonly #watched = new WeakSet<object>();

  constructor(
    private readonly connections: OpenConnections,
    private readonly sessions: SessionService,
    @Inject(SESSION_OPTIONS) private readonly options: ResolvedSessionOptions,
    private readonly config: ApplicationConfig,
  ) {
    this.#carrier = createCarrier(options);
  }

  /** @internal Gateways are bound to the adapter by now, and what is wrapped here is called with each client. */
  onApplicationBootstrap(): void {
    const adapter = this.config.getIoAdapter() as WebSocketAdapter | null;
    // Without a gateway there is none.
    if (adapter === null) return;
    const bind = adapter.bindMessageHandlers.bind(adapter);
    adapter.bindMessageHandlers = (client: object, handlers, transform): unknown => {
      const handshake = handshakeOf(client);
      if (handshake !== undefined) this.watch(new HandshakeRequest(handshake));
      return bind(client, handlers, transform);
    };
  }

  /** Watches over the socket that a handshake opened, once; one that came without a token is nobody's. */
  watch(handshake: HandshakeRequest): void {
    const { connection, socket } = handshake;
    if (this.#watched.has(connection)) return;
    this.#watched.add(connection);
    const clock = this.options.clock ?? new Stopwatch();
    const token = handshake.token((request) => this.#carrier.read(request), clock);
    if (token.value === undefined) return;
    const forget = this.connections.open({
      resolve: () => token.resolve(this.sessions),
      close: (ended) => socket.close(ended),
    });
    socket.onClosed(forget);
  }
}
