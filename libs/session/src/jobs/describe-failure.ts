import { SessionError } from '../core/errors.js';

/**
 * Names an error for the log. A driver's own message stays out of it: it may quote a command, a statement or a
 * connection string.
 */
export function describeFailure(error: unknown): string {
  if (error instanceof SessionError) return error.message;
  if (!(error instanceof Error)) return 'unknown error';
  const code =
    'code' in error && typeof error.code === 'string' ? error.code : replyCode(error.message);
  return code === undefined ? error.name : `${error.name} ${code}`;
}

/** Redis begins its errors with a word in capitals, such as WRONGPASS or OOM. */
function replyCode(message: string): string | undefined {
  return /^[A-Z]{3,20}(?= )/.exec(message)?.[0];
}
