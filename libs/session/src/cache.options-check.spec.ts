import { describe, expect, it } from '@jest/globals';

import { resolveSessionOptions } from './session.options-check.js';
import type { SessionModuleOptions } from './session.options.js';

const channel = { driver: 'redis', connection: { url: 'redis://localhost' } } as const;

function cacheOf(options: Partial<SessionModuleOptions>) {
  return resolveSessionOptions({ secret: 's'.repeat(32), ...options }).cache;
}

describe('the option `cache`', () => {
  it('is off unless it is given', () => {
    expect(cacheOf({ channel })).toBeNull();
  });

  it('has defaults, also beside the channel of a queue', () => {
    const defaults = { maxEntries: 10_000, ttlMs: 3000 };
    expect(cacheOf({ channel, cache: {} })).toEqual(defaults);
    const jobs = { driver: 'bullmq', connection: {} } as const;
    expect(cacheOf({ jobs, cache: {} })).toEqual(defaults);
  });

  it.each<Partial<SessionModuleOptions>>([
    {},
    { jobs: { driver: 'none' } },
    { channel: { driver: 'none' } },
  ])('is refused where there is no channel: %j', (options) => {
    expect(() => cacheOf({ ...options, cache: {} })).toThrow(/Expected `channel` beside `cache`/);
  });

  it.each([
    [{ ttlMs: 3001 }, /Expected `cache.ttlMs` to be an integer from 1 to 3000, got 3001/],
    [{ ttlMs: 0 }, /Expected `cache.ttlMs`/],
    [{ maxEntries: 0 }, /Expected `cache.maxEntries` to be an integer from 1 to 1000000, got 0/],
    [{ size: 1 }, /Expected no option `cache.size`/],
    [true, /Expected `cache` to be an object, got a boolean/],
  ])('is refused as %j', (cache, message) => {
    expect(() => cacheOf({ channel, cache: cache as object })).toThrow(message);
  });
});
