import type { SessionErrorCode } from './errors.js';

/**
 * What a client is answered, by code. A code that is not here is a fault of the application or of its set-up: 500.
 * The size of the data is the client's doing (413: its cart grew), a lost race may be tried again (409).
 */
const STATUS_BY_CODE: Partial<Record<SessionErrorCode, number>> = {
  SESSION_REQUIRED: 401,
  SESSION_ENDED: 401,
  SESSION_CREDENTIAL_CHANGED: 401,
  SESSION_UNAUTHENTICATED: 401,
  SESSION_STEP_UP_REQUIRED: 403,
  SESSION_CROSS_ORIGIN: 403,
  SESSION_CSRF_TOKEN_REQUIRED: 403,
  SESSION_LIMIT_REACHED: 409,
  SESSION_DATA_CONFLICT: 409,
  SESSION_DATA_TOO_LARGE: 413,
  SESSION_STORE_UNAVAILABLE: 503,
};

/** Seconds after which a client may ask again when the store did not answer. */
export const RETRY_AFTER_SECONDS = '1';

/** The HTTP status that answers a code. */
export function statusOf(code: SessionErrorCode): number {
  return STATUS_BY_CODE[code] ?? 500;
}
