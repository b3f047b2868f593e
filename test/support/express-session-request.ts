import { promisify } from 'node:util';

import type { Request } from 'express';
import expressSession, { type CookieOptions, type SessionData } from 'express-session';

import type { SessionRecord } from '../../libs/session/src/core/session.js';
import type { SessionService } from '../../libs/session/src/core/session.service.js';
import type { ExpressSessionStore } from '../../libs/session/src/express-session/express-session-store.js';

/** What express-session has of a request, without HTTP; `session` is any data of the test's. */
export type SessionRequest = Request & {
  session: expressSession.Session & SessionData & Record<string, unknown>;
};

type SessionConstructor = new (request: object) => SessionRequest['session'];

/** A request that came without a session and was given a new one, with `data` in it, not saved yet. */
export function newRequest(
  store: ExpressSessionStore,
  data: Record<string, unknown> = {},
  cookie: CookieOptions = {},
): SessionRequest {
  store.generate = (request) => {
    request.sessionID = store.prepare(request);
    request.session = new (expressSession.Session as unknown as SessionConstructor)(request);
    request.session.cookie = new (
      expressSession.Cookie as unknown as new (options: CookieOptions) => expressSession.Cookie
    )(cookie);
  };
  const request = emptyRequest(store);
  store.generate(request);
  Object.assign(request.session, data);
  return request;
}

/** A request that came with a session id; `null` where that is no session. */
export async function openRequest(
  store: ExpressSessionStore,
  sid: string,
): Promise<SessionRequest | null> {
  const data = await promisify<string, SessionData | null | undefined>(store.get.bind(store))(sid);
  if (data === null || data === undefined) return null;
  const request = Object.assign(emptyRequest(store), { sessionID: sid });
  store.createSession(request, data);
  return request;
}

/** A request whose session is live, or a failed test. */
export async function openLiveRequest(
  store: ExpressSessionStore,
  sid: string,
): Promise<SessionRequest> {
  const request = await openRequest(store, sid);
  if (request === null) throw new Error('Expected a live session, got none.');
  return request;
}

/** A new session with `data` that is saved. @returns its id. */
export async function savedSession(
  store: ExpressSessionStore,
  data: Record<string, unknown> = {},
  cookie?: CookieOptions,
): Promise<string> {
  const request = newRequest(store, data, cookie);
  await save(request);
  return request.sessionID;
}

export function save({ session }: SessionRequest): Promise<void> {
  return promisify(session.save.bind(session))();
}

/** Saves a request's session under any id. */
export function saveAs(
  store: ExpressSessionStore,
  sid: string,
  { session }: Pick<SessionRequest, 'session'>,
): Promise<void> {
  return promisify<string, SessionData>(store.set.bind(store))(sid, session);
}

export function touch(request: SessionRequest): Promise<void> {
  const store = request.sessionStore as unknown as ExpressSessionStore;
  return promisify<string, SessionData>(store.touch.bind(store))(
    request.sessionID,
    request.session,
  );
}

export function destroy(request: SessionRequest): Promise<void> {
  return promisify(request.session.destroy.bind(request.session))();
}

export function regenerate(request: SessionRequest): Promise<void> {
  return promisify(request.session.regenerate.bind(request.session))();
}

/** The row of a session id, alive or dead. */
export async function rowOf(sessions: SessionService, sid: string): Promise<SessionRecord> {
  const resolution = await sessions.resolve(sid);
  if ('record' in resolution) return resolution.record;
  throw new Error(`Expected a row, got ${resolution.status}.`);
}

function emptyRequest(store: ExpressSessionStore): SessionRequest {
  return {
    sessionStore: store,
    ip: '192.0.2.1',
    headers: { 'user-agent': 'spec' },
  } as unknown as SessionRequest;
}
