import { afterAll, afterEach, beforeAll, beforeEach, describe } from '@jest/globals';
import { IoAdapter } from '@nestjs/platform-socket.io';
import { WsAdapter } from '@nestjs/platform-ws';
import { keepHandshakes, minutes, type SessionModuleOptions } from 'nestjs-curfew';

import type { Browser } from './browser.js';
import { describeEachDatabase, type TestDatabase } from './databases.js';
import { COOKIE, startHttpApp, type HttpApp, type HttpAppSetup } from './http-app.js';
import { GatewayScript, ScriptedGateway, type MessageScript } from './scripted-gateway.js';
import { openSocket, type Handshake, type SocketKind, type TestSocket } from './test-sockets.js';

/** What the tests of a gateway over one kind of socket work with. */
export interface GatewayBench {
  readonly kind: SocketKind;
  readonly app: HttpApp;
  readonly script: GatewayScript;
  /** A browser that has signed in, new for each test. */
  readonly ada: Browser;
  /** Connects, and disconnects after the test. */
  open(handshake?: Handshake, to?: HttpApp): Promise<TestSocket>;
  openAs(browser: Browser, headers?: Readonly<Record<string, string>>): Promise<TestSocket>;
  /** Says what the messages `guarded` and `open` do. */
  say(run: MessageScript): void;
  /** Another application on the same database. */
  start(setup: HttpAppSetup): Promise<HttpApp>;
}

const PREPARE: Record<SocketKind, NonNullable<HttpAppSetup['prepare']>> = {
  'socket.io': (app) => app.useWebSocketAdapter(new IoAdapter(app)),
  ws: (app) => app.useWebSocketAdapter(keepHandshakes(new WsAdapter(app))),
};

const OPTIONS: Partial<SessionModuleOptions> = {
  rotationIntervalMs: minutes(10),
  trustedOrigins: ['https://app.example.org'],
};

/** The `Cookie` header of a browser. */
export const cookieOf = (browser: Browser) => `${COOKIE}=${browser.cookies.get(COOKIE) ?? ''}`;

/** How a gateway refuses a message. */
export const refused = (code: string, details: object = {}) => [
  { event: 'exception', data: { status: 'error', code, ...details } },
];

export const answered = (...values: unknown[]) => values.map((data) => ({ event: 'answer', data }));

/** Describes the same behaviour over Socket.IO (on Express) and over plain WebSocket (on Fastify). */
export function describeGateway(
  title: string,
  define: (bench: GatewayBench) => void,
): Promise<void> {
  return describeEachDatabase(
    title,
    (database) => {
      describe.each(['socket.io', 'ws'] as const)('over %s', (kind) =>
        defineOver(kind, database, define),
      );
    },
    ['sqlite'],
  );
}

function defineOver(
  kind: SocketKind,
  database: TestDatabase,
  define: (bench: GatewayBench) => void,
): void {
  const script = new GatewayScript();
  const sockets: TestSocket[] = [];
  let app: HttpApp;
  let ada: Browser;
  const start = (setup: HttpAppSetup): Promise<HttpApp> =>
    startHttpApp(kind === 'ws' ? 'fastify' : 'express', database, {
      prepare: PREPARE[kind],
      ...setup,
      providers: [ScriptedGateway, { provide: GatewayScript, useValue: script }],
    });
  const open = async (handshake: Handshake = {}, to: HttpApp = app): Promise<TestSocket> => {
    const socket = await openSocket(kind, to.origin, handshake);
    sockets.push(socket);
    return socket;
  };

  beforeAll(async () => {
    app = await start({ options: OPTIONS });
  });
  afterAll(() => app?.close());
  beforeEach(async () => {
    ada = await app.signedIn('ada');
  });
  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.close();
  });

  define({
    kind,
    script,
    start,
    open,
    openAs: (browser, headers = {}) => open({ headers: { cookie: cookieOf(browser), ...headers } }),
    say: (run) => (script.run = run),
    get app() {
      return app;
    },
    get ada() {
      return ada;
    },
  });
}
