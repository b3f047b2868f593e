import { SessionError } from './errors.js';

/** Longest user id, in characters. */
export const MAX_USER_ID_LENGTH = 255;

/** The row of `session_principals` whose epoch counts for everyone. */
export const EVERYONE = '*';

/** Whether `userId` is a string of 1 to 255 characters other than `*`, without NUL and half surrogate pairs. */
export function isUserId(userId: unknown): userId is string {
  return (
    typeof userId === 'string' &&
    userId.length > 0 &&
    userId.length <= MAX_USER_ID_LENGTH &&
    userId !== EVERYONE &&
    !userId.includes('\u0000') &&
    userId.isWellFormed()
  );
}

/** @throws `SESSION_USER_INVALID` unless `isUserId`. */
export function assertUserId(userId: unknown): asserts userId is string {
  if (isUserId(userId)) return;
  throw new SessionError(
    'SESSION_USER_INVALID',
    `Expected a user id of 1 to ${MAX_USER_ID_LENGTH} characters other than "*", got ${describe(userId)}. Convert numeric ids with String().`,
  );
}

function describe(userId: unknown): string {
  return typeof userId === 'string' ? `one of ${userId.length} characters` : typeof userId;
}
