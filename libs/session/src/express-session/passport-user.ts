import type { SessionData } from 'express-session';

import { SessionError } from '../core/errors.js';

/**
 * The id that Passport serialized into the session; `null` where nobody is signed in.
 * @throws `SESSION_USER_INVALID` where it serialized something else than an id.
 */
export function passportUserOf(session: SessionData): string | null {
  const { passport } = session as { passport?: { user?: unknown } | null };
  const user = passport?.user ?? null;
  if (user === null || typeof user === 'string') return user;
  if (typeof user === 'number') return String(user);
  throw new SessionError(
    'SESSION_USER_INVALID',
    `Expected Passport to serialize the user as a string or a number, got ${typeof user}. Let serializeUser pass the id alone, or give the \`userId\` option.`,
  );
}
