import { SessionError } from '../core/errors.js';
import type { InactiveSession } from '../core/session-resolution.js';

/** Why a session that is not live cannot be saved. */
export function refusal(status: InactiveSession['status']): SessionError {
  return status === 'malformed'
    ? new SessionError(
        'SESSION_OPTIONS_INVALID',
        'Expected a session id that Curfew made, got another. Give express-session both of createExpressSessionStore(): `store` and `genid`.',
      )
    : new SessionError(
        'SESSION_ENDED',
        'Expected a live session, got one that has ended or never began. Nothing was written; sign in again.',
      );
}

/** Why a session cannot be given a user, or another one. `userId` is whose it is. */
export function regenerateRequired(userId: string | null): SessionError {
  return new SessionError(
    'SESSION_REGENERATE_REQUIRED',
    `Expected the user of a session never to change, got a user for a session of ${userId === null ? 'nobody' : 'another user'}: who knew its id before would be signed in too. Call req.session.regenerate() and set the user before the first save, as req.login() of Passport 0.6 does.`,
  );
}
