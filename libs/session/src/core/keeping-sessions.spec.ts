import { describe, expect, it } from '@jest/globals';

import { isKeepingSessions, keepingSessions } from './keeping-sessions.js';

describe('keepingSessions', () => {
  it('holds throughout the work, asynchronous parts included, and no longer', async () => {
    const seen = [isKeepingSessions()];
    await keepingSessions(async () => {
      seen.push(isKeepingSessions());
      await Promise.resolve();
      seen.push(isKeepingSessions());
    });
    seen.push(isKeepingSessions());
    expect(seen).toEqual([false, true, true, false]);
  });

  it('does not hold for work that runs beside it', async () => {
    let finish = (): void => {};
    const kept = keepingSessions(() => new Promise<void>((resolve) => (finish = resolve)));
    expect(isKeepingSessions()).toBe(false);
    finish();
    await kept;
  });

  it('returns what the work returns and throws what it throws', () => {
    expect(keepingSessions(() => 7)).toBe(7);
    expect(() =>
      keepingSessions(() => {
        throw new Error('the work failed');
      }),
    ).toThrow('the work failed');
    expect(isKeepingSessions()).toBe(false);
  });
});
