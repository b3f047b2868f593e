/**
 * Resolves after `ms` milliseconds, or as soon as `signal` is aborted. The timer keeps the process alive: a script that
 * purges and does nothing else must not end in the middle of its run.
 */
export function pause(ms: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve();
    const finish = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal?.addEventListener('abort', finish);
  });
}
