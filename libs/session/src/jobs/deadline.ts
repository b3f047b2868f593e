import { SessionError } from '../core/errors.js';

/**
 * The outcome of `work`, unless it takes longer than `ms` milliseconds; then nobody learns what became of it.
 * @throws `SESSION_QUEUE_UNAVAILABLE`
 */
export async function withDeadline<T>(work: Promise<T>, ms: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(queueSilentFor(ms)), ms);
  });
  try {
    return await Promise.race([work, expired]);
  } finally {
    clearTimeout(timer);
  }
}

/** The error for a queue that gave no answer for `ms` milliseconds. */
export function queueSilentFor(ms: number): SessionError {
  return new SessionError(
    'SESSION_QUEUE_UNAVAILABLE',
    `Expected an answer of the queue within ${ms} ms, got none. Check the server that \`jobs.connection\` names.`,
  );
}
