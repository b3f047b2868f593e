import { once } from 'node:events';

import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo';
import { Controller, Module, Sse, type MessageEvent } from '@nestjs/common';
import { GraphQLModule } from '@nestjs/graphql';
import { MercuriusDriver, type MercuriusDriverConfig } from '@nestjs/mercurius';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { CurrentSession, keepHandshakes, Public, type RequestSession } from 'nestjs-curfew';
import { concat, NEVER, of, type Observable } from 'rxjs';
import { WebSocket } from 'ws';

import { EventStream } from './event-stream.js';
import type { AdapterName, HttpAppSetup } from './http-app.js';
import { Rendezvous } from './rendezvous.js';
import { ResolverScripts, ScriptedResolver, TYPE_DEFINITIONS } from './scripted-resolver.js';
import { GatewayScript, ScriptedGateway } from './scripted-gateway.js';
import { openSocket, type Closure, type SocketKind } from './test-sockets.js';

/** A client that only listens. */
export interface Listener {
  /** Resolves when the server has closed the connection. */
  readonly closed: Promise<Closure>;
  close(): void;
}

/** A kind of connection that stays open, and the application that serves it. */
export interface ConnectionKind {
  readonly adapter: AdapterName;
  readonly setup: HttpAppSetup;
  /** What a client is told when its session was revoked with this reason. */
  closure(reason: string): Closure;
  open(origin: string, headers: Readonly<Record<string, string>>): Promise<Listener>;
}

@Controller()
class Streams {
  @Sse('stream')
  stream(): Observable<MessageEvent> {
    return concat(of({ data: 'open' }), NEVER);
  }

  /** Asks for the session itself: the guard does not. */
  @Public()
  @Sse('public-stream')
  publicStream(@CurrentSession() session: RequestSession): Observable<MessageEvent> {
    return concat(of({ data: String(session.userId) }), NEVER);
  }
}

@Module({ controllers: [Streams] })
class StreamsModule {}

function gateway(kind: SocketKind, adapter: AdapterName): ConnectionKind {
  return {
    adapter,
    setup: {
      providers: [ScriptedGateway, { provide: GatewayScript, useValue: new GatewayScript() }],
      prepare: (app) =>
        app.useWebSocketAdapter(
          kind === 'ws' ? keepHandshakes(new WsAdapter(app)) : new IoAdapter(app),
        ),
    },
    closure: (reason) => ({ code: kind === 'ws' ? 4401 : null, reason }),
    open: (origin, headers) => openSocket(kind, origin, { headers }),
  };
}

function stream(adapter: AdapterName, path: string): ConnectionKind {
  return {
    adapter,
    setup: { imports: [StreamsModule] },
    closure: () => ({ code: null, reason: 'completed' }),
    async open(origin, headers) {
      const events = await EventStream.open(`${origin}/${path}`, headers);
      await events.next();
      const closed = events.next().then(
        (event) => ({ code: null, reason: event === undefined ? 'completed' : 'event' }),
        () => ({ code: null, reason: 'aborted' }),
      );
      return { closed, close: () => events.close() };
    },
  };
}

function subscription(
  adapter: AdapterName,
  module: NonNullable<HttpAppSetup['imports']>[number],
): ConnectionKind {
  const scripts = new ResolverScripts();
  // Nobody else arrives: the subscription stays open after its first value.
  scripts.rendezvous = new Rendezvous(Number.MAX_SAFE_INTEGER);
  return {
    adapter,
    setup: {
      imports: [module],
      providers: [ScriptedResolver, { provide: ResolverScripts, useValue: scripts }],
    },
    closure: (reason) => ({ code: 4403, reason }),
    async open(origin, headers) {
      const url = `${origin.replace(/^http/, 'ws')}/graphql`;
      const socket = new WebSocket(url, 'graphql-transport-ws', { headers });
      const closed = new Promise<Closure>((resolve) => {
        socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }));
      });
      await once(socket, 'open');
      socket.send(JSON.stringify({ type: 'connection_init' }));
      await once(socket, 'message');
      const payload = { query: 'subscription { mine }' };
      socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload }));
      await once(socket, 'message');
      return { closed, close: () => socket.terminate() };
    },
  };
}

export const CONNECTION_KINDS: Readonly<Record<string, ConnectionKind>> = {
  'Socket.IO': gateway('socket.io', 'express'),
  ws: gateway('ws', 'fastify'),
  'server-sent events on Express': stream('express', 'stream'),
  'server-sent events on Fastify': stream('fastify', 'stream'),
  'server-sent events of a public route': stream('express', 'public-stream'),
  'subscriptions of Apollo': subscription(
    'express',
    GraphQLModule.forRoot<ApolloDriverConfig>({
      driver: ApolloDriver,
      typeDefs: TYPE_DEFINITIONS,
      subscriptions: { 'graphql-ws': true },
    }),
  ),
  'subscriptions of Mercurius': subscription(
    'fastify',
    GraphQLModule.forRoot<MercuriusDriverConfig>({
      driver: MercuriusDriver,
      typeDefs: TYPE_DEFINITIONS,
      subscription: true,
    }),
  ),
};
