import { setImmediate } from 'node:timers/promises';

/** Longer than any test: a test that ran out of time leaves a loop behind that would keep the process alive for good. */
const LIMIT_MS = 300_000;

/** Resolves as soon as a condition holds; the test's own timeout is the limit. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const startedAt = performance.now();
  while (!(await holds())) {
    if (performance.now() - startedAt > LIMIT_MS)
      throw new Error('Expected the condition to hold by now');
    await setImmediate();
  }
}
