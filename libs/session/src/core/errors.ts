/**
 * Every code that Curfew raises, with what went wrong in one line. `docs/errors.md` lists the same set, with the cures.
 * A code is never reused for another meaning.
 */
export const SESSION_ERRORS = {
  SESSION_OPTIONS_INVALID: 'The options of the module contain problems; all of them are listed.',
  SESSION_PEER_MISSING: 'An option needs an npm package that is not installed.',
  SESSION_DATABASE_UNSUPPORTED: 'The data source is of a type that the store has no dialect for.',
  SESSION_SCHEMA_MISSING: 'The session tables are not in the database.',
  SESSION_TRIGGER_MISSING:
    'The options say that a trigger watches the users, and the database has none, or an older one.',
  SESSION_STORE_UNAVAILABLE: 'The database refused, failed or did not answer within the deadline.',
  SESSION_REQUIRED: 'The route needs a signed-in session and the request carries none.',
  SESSION_ENDED: 'The session was ended while the request ran; nothing was written.',
  SESSION_STEP_UP_REQUIRED: 'The route needs a more recent or a stronger authentication.',
  SESSION_CROSS_ORIGIN: 'An unsafe request came from another origin.',
  SESSION_CSRF_TOKEN_REQUIRED: 'An unsafe request of a session came without its CSRF token.',
  SESSION_CREDENTIAL_CHANGED:
    'The credential that the sign-in was proven with has changed meanwhile.',
  SESSION_CREDENTIAL_UPDATE_UNSEEN:
    'An update by criteria would change a credential without revealing whose sessions to end.',
  SESSION_CREDENTIAL_UNCONFIGURED:
    'A sign-in names a credential but the module has no principal entity.',
  SESSION_LIMIT_REACHED: 'The user has as many sessions as the limit allows.',
  SESSION_USER_INVALID: 'A user id is empty, too long, reserved or no string.',
  SESSION_REASON_INVALID:
    'A reason of a revocation is empty, too long or holds other characters than it may.',
  SESSION_REGENERATE_REQUIRED:
    'A save would give a user to a session that was issued without one, or to another user.',
  SESSION_AMR_INVALID: 'The authentication methods of a sign-in or step-up are no list of names.',
  SESSION_UNAUTHENTICATED: 'The operation needs a session that belongs to a user.',
  SESSION_POLICY_UNKNOWN: 'A policy is named that the options do not define.',
  SESSION_EXPIRY_INVALID:
    'An expiry is no whole number of milliseconds or exceeds what the policy allows.',
  SESSION_DATA_KEY_REFUSED: 'A key of the session data cannot be stored.',
  SESSION_DATA_NOT_JSON: 'A value of the session data cannot be represented in JSON.',
  SESSION_DATA_TOO_LARGE: 'The session data exceeds the size limit.',
  SESSION_DATA_CONFLICT:
    'An atomic update lost to other writers more often than the retries allow.',
  SESSION_RESPONSE_SENT: 'The response was sent before the session could set its cookie.',
  SESSION_CONTEXT_MISSING: 'A session was asked for where no guard or decorator provides one.',
  SESSION_JOB_INVALID: 'A job carries a payload that this version does not understand.',
  SESSION_QUEUE_UNAVAILABLE: 'The queue did not take a job within the deadline.',
} as const;

export type SessionErrorCode = keyof typeof SESSION_ERRORS;

/**
 * The one error class of Curfew. Absent, expired and malformed sessions are results, not errors; an error means that
 * the system failed or that the caller asked for something impossible.
 *
 * The message says what was expected, what was found and what to do; it never holds a token, a cookie or SQL text.
 */
export class SessionError extends Error {
  override readonly name = 'SessionError';

  constructor(
    readonly code: SessionErrorCode,
    message: string,
    options?: { cause?: unknown },
  ) {
    super(`[${code}] ${message}`, options);
  }
}

/** Whether `error` is a `SessionError`, of the given code where one is given. */
export function isSessionError(error: unknown, code?: SessionErrorCode): error is SessionError {
  return error instanceof SessionError && (code === undefined || error.code === code);
}
