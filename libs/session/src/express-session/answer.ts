import { statusOf, RETRY_AFTER_SECONDS } from '../core/error-status.js';
import { isSessionError } from '../core/errors.js';

/** What express-session is called back with. */
export type Callback<T> = (error: unknown, result?: T) => void;

/**
 * Starts `work` at once and calls back with what becomes of it, outside the promise: an error that the callback throws
 * is the application's and not answered to it a second time.
 */
export function answer<T>(work: () => Promise<T>, callback: Callback<T> = () => {}): void {
  void new Promise<T>((resolve) => {
    resolve(work());
  }).then(
    (result) => process.nextTick(callback, null, result),
    (error: unknown) => process.nextTick(callback, withStatus(error)),
  );
}

/** The error with what Express and Nest read of one: a status, and `Retry-After` with 503. */
function withStatus(error: unknown): unknown {
  if (!isSessionError(error)) return error;
  const status = statusOf(error.code);
  const headers = status === 503 ? { 'Retry-After': RETRY_AFTER_SECONDS } : {};
  return Object.assign(error, { status, statusCode: status, headers });
}
