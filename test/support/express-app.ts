import { EventEmitter, once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import express, { type ErrorRequestHandler, type Express } from 'express';
import expressSession, { type SessionOptions } from 'express-session';
import {
  createExpressSessionStore,
  type ExpressSessionStoreOptions,
} from 'nestjs-curfew/express-session';

import type { SessionService } from '../../libs/session/src/core/session.service.js';
import { Browser } from './browser.js';

const COOKIE = 'connect.sid';

/** A running Express application on express-session and Curfew's store. */
export class ExpressApp {
  /**
   * The first error that reaches the error handler, which leaves the answer to Express. express-session reports a failed
   * save after the response has been sent.
   */
  readonly firstError: Promise<unknown>;

  constructor(
    private readonly server: Server,
    errors: EventEmitter,
  ) {
    this.firstError = new Promise((resolve) => errors.once('failed', resolve));
  }

  browser(): Browser {
    return new Browser(`http://127.0.0.1:${(this.server.address() as AddressInfo).port}`);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}

/** Starts an application whose routes `define` adds behind express-session, on a port of its own. */
export async function startExpressApp(
  sessions: SessionService,
  define: (app: Express) => void,
  options: Partial<SessionOptions> & ExpressSessionStoreOptions = {},
): Promise<ExpressApp> {
  const { userId, signIn, ...sessionOptions } = options;
  const server = createServer();
  const errors = new EventEmitter();
  const running = new ExpressApp(server, errors);
  const app = express();
  app.use(express.json());
  app.use(
    expressSession({
      ...createExpressSessionStore(sessions, {
        ...(userId && { userId }),
        ...(signIn && { signIn }),
      }),
      secret: 'signs the cookie',
      resave: false,
      saveUninitialized: false,
      ...sessionOptions,
    }),
  );
  define(app);
  const tellError: ErrorRequestHandler = (error, _request, _response, next) => {
    errors.emit('failed', error);
    next(error);
  };
  app.use(tellError);
  // Express prints what it answers with a stack unless this is a test.
  app.set('env', 'test');
  server.on('request', app);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return running;
}

/** The session id in a browser's cookie, without express-session's signature; `undefined` where it has none. */
export function sidOf(browser: Browser): string | undefined {
  const value = browser.cookies.get(COOKIE);
  if (value === undefined) return undefined;
  return decodeURIComponent(value).slice('s:'.length).split('.')[0];
}

/** A browser with the same cookies, as a second tab. */
export function tabOf(app: ExpressApp, browser: Browser): Browser {
  const tab = app.browser();
  for (const [name, value] of browser.cookies) tab.cookies.set(name, value);
  return tab;
}
