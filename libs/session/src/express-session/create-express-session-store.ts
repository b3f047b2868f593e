import type { Request } from 'express';

import type { SessionService } from '../core/session.service.js';
import { ExpressSessionStore } from './express-session-store.js';
import type { ExpressSessionStoreOptions } from './express-session.options.js';

/**
 * Makes the two options that put express-session on Curfew. Both are needed: the store inserts a session only under an
 * id that `genid` made for the same request.
 *
 * ```ts
 * app.use(session({ ...createExpressSessionStore(sessions), secret, resave: false, saveUninitialized: false }));
 * ```
 *
 * Store down: express-session passes `SESSION_STORE_UNAVAILABLE` to `next`, with the status 503; no request goes on as
 * anonymous. Ids of another store, and of sessions that have ended: no session.
 */
export function createExpressSessionStore(
  sessions: SessionService,
  options: ExpressSessionStoreOptions = {},
): { store: ExpressSessionStore; genid: (request: Request) => string } {
  const store = new ExpressSessionStore(sessions, options);
  return { store, genid: (request) => store.prepare(request) };
}
