import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

import { withDeadline } from './deadline.js';

describe('withDeadline', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('gives the outcome and leaves no timer', async () => {
    expect(await withDeadline(Promise.resolve(7), 1000)).toBe(7);
    await expect(withDeadline(Promise.reject(new Error('down')), 1000)).rejects.toThrow('down');
    expect(jest.getTimerCount()).toBe(0);
  });

  it('rejects with SESSION_QUEUE_UNAVAILABLE when the time is over', async () => {
    const waiting = withDeadline(new Promise(() => {}), 1000);
    jest.advanceTimersByTime(1000);
    await expect(waiting).rejects.toThrow('SESSION_QUEUE_UNAVAILABLE');
  });
});
