import { describe, expect, it } from '@jest/globals';

import { minutes, seconds } from '../core/duration.js';
import { purgeLimits, queueWarnings } from './health-warnings.js';

const limits = purgeLimits({
  purge: { everyMs: minutes(1), budgetMs: seconds(20) },
  purgeBucketMs: minutes(60),
});
const SOUND = { workers: 2, purgeDueInMs: 1000, evictionPolicy: 'noeviction' };

describe('the limits of the purge', () => {
  it('follow from its interval, its budget and its bucket', () => {
    expect(limits).toEqual({ lateMs: seconds(140), overdueMs: minutes(60) + seconds(140) });
  });
});

describe('the warnings of a queue', () => {
  it('are none where workers take what is due, and where there is no queue', () => {
    expect(queueWarnings(SOUND, limits)).toEqual([]);
    expect(queueWarnings(null, limits)).toEqual([]);
  });

  it('name a queue without workers', () => {
    expect(queueWarnings({ ...SOUND, workers: 0 }, limits)).toEqual(['no-worker']);
  });

  it('name a purge that is not scheduled, or whose run nobody has taken', () => {
    const late = { ...SOUND, purgeDueInMs: -limits.lateMs - 1 };
    expect(queueWarnings(late, limits)).toEqual(['purge-late']);
    expect(queueWarnings({ ...SOUND, purgeDueInMs: -limits.lateMs }, limits)).toEqual([]);
    expect(queueWarnings({ ...SOUND, purgeDueInMs: null }, limits)).toEqual(['purge-late']);
  });

  it('name a Redis that may evict the queue, and none that does not say', () => {
    const evicting = { ...SOUND, evictionPolicy: 'allkeys-lru' };
    expect(queueWarnings(evicting, limits)).toEqual(['redis-evicts']);
    expect(queueWarnings({ ...SOUND, evictionPolicy: null }, limits)).toEqual([]);
  });
});
