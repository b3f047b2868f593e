import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';

import { pause } from './pause.js';

describe('pause', () => {
  beforeEach(() => void jest.useFakeTimers());
  afterEach(() => void jest.useRealTimers());

  it('resolves after its time', async () => {
    const done = pause(100);
    jest.advanceTimersByTime(100);
    await done;
    expect(jest.getTimerCount()).toBe(0);
  });

  it('resolves at once when the signal is aborted, and leaves no timer', async () => {
    const controller = new AbortController();
    const done = pause(60_000, controller.signal);
    controller.abort();
    await done;
    expect(jest.getTimerCount()).toBe(0);
  });

  it('does not begin with a signal that was aborted before', async () => {
    await pause(60_000, AbortSignal.abort());
    expect(jest.getTimerCount()).toBe(0);
  });
});
