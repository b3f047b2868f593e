import { setImmediate } from 'node:timers/promises';

/** Resolves as soon as a condition holds; the test's own timeout is the limit. */
export async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await holds())) await setImmediate();
}
