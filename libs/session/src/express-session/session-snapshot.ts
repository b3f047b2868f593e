import type { SessionData } from 'express-session';

import { days } from '../core/duration.js';
import { SessionError } from '../core/errors.js';
import { emptyData, parseData, type SessionDataRecord } from '../core/session-data.js';

/** Browsers keep no cookie longer (RFC 6265bis section 5.5). */
const MAX_COOKIE_AGE_MS = days(400);

/** A change of a cookie's age by less than this, in milliseconds, is none. */
const AGE_JITTER_MS = 1000;

/**
 * What is kept of express-session's cookie, in this order: databases that order the keys of JSON would otherwise show a
 * change at every save. `expires` is not kept: it follows from the session's deadlines.
 */
const COOKIE_ATTRIBUTES = [
  'originalMaxAge',
  'partitioned',
  'priority',
  'secure',
  'httpOnly',
  'domain',
  'path',
  'sameSite',
] as const;

/** For a session that was issued without express-session and so holds no cookie. */
const STRICT_COOKIE = { secure: true, httpOnly: true, path: '/', sameSite: 'lax' };

/**
 * A copy of a session as it is to be stored: what JSON keeps of it, as in every store of express-session.
 * @throws `SESSION_DATA_NOT_JSON`
 */
export function snapshotOf(session: SessionData): SessionDataRecord {
  try {
    return parseStored(JSON.stringify(session));
  } catch (cause) {
    throw new SessionError(
      'SESSION_DATA_NOT_JSON',
      'Expected session data that JSON can represent, got a value that it cannot. Store plain objects, arrays, strings, finite numbers, booleans and null.',
      { cause },
    );
  }
}

/** Stored data in the form of `snapshotOf`, so that the two can be compared. */
export function parseStored(text: string | null): SessionDataRecord {
  const data = parseData(text);
  if (data['cookie'] !== undefined) data['cookie'] = storableCookie(data['cookie']);
  return data;
}

/**
 * The data as express-session wants it of a store.
 * @param remainingMs how long the session has left, in milliseconds; it dates a cookie that outlives the browser.
 */
export function toSessionData(snapshot: SessionDataRecord, remainingMs: number): SessionData {
  const originalMaxAge = cookieMaxAgeMs(snapshot);
  const expires = originalMaxAge === null ? null : new Date(Date.now() + remainingMs);
  const attributes = snapshot['cookie'] ?? STRICT_COOKIE;
  const cookie = { ...attributes, originalMaxAge, expires };
  return { ...snapshot, cookie };
}

/** How long the cookie of a session lives after each response, in milliseconds; `null`: as long as the browser. */
export function cookieMaxAgeMs(snapshot: SessionDataRecord): number | null {
  const { originalMaxAge } = (snapshot['cookie'] ?? {}) as { originalMaxAge?: unknown };
  if (typeof originalMaxAge !== 'number') return null;
  return Math.min(Math.max(Math.floor(originalMaxAge), 1), MAX_COOKIE_AGE_MS);
}

/**
 * The snapshot with the age that the cookie had before, where the two are nearly the same. express-session works the age
 * out again at each response and loses the milliseconds that passed meanwhile: every session would be written at each
 * request, and live a little shorter.
 */
export function withSteadyAge(
  snapshot: SessionDataRecord,
  before: SessionDataRecord,
): SessionDataRecord {
  const [age, earlier] = [cookieMaxAgeMs(snapshot), cookieMaxAgeMs(before)];
  if (age === null || earlier === null || Math.abs(age - earlier) >= AGE_JITTER_MS) return snapshot;
  const { originalMaxAge } = before['cookie'] as { originalMaxAge: number };
  return withCookie(snapshot, { ...(snapshot['cookie'] as object), originalMaxAge });
}

/** The data of a snapshot with another cookie. */
export function withCookie(snapshot: SessionDataRecord, cookie: unknown): SessionDataRecord {
  return Object.assign(emptyData(), snapshot, { cookie });
}

function storableCookie(cookie: unknown): Record<string, unknown> {
  const given = Object.assign(Object.create(null), cookie) as Record<string, unknown>;
  // A cookie that is no instance of express-session's class has only the age that it was given.
  const attributes = {
    ...given,
    originalMaxAge: given['originalMaxAge'] ?? given['maxAge'] ?? null,
  };
  return Object.fromEntries(
    COOKIE_ATTRIBUTES.map((name) => [name, (attributes as Record<string, unknown>)[name]]).filter(
      ([, value]) => value !== undefined,
    ),
  );
}
