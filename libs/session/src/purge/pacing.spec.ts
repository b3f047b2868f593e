import { describe, expect, it } from '@jest/globals';

import { AdaptiveSize, pauseAfter } from './pacing.js';

const newSize = () => new AdaptiveSize(25, 5000);

describe('AdaptiveSize', () => {
  it('begins with 500 rows, or with the most that is allowed', () => {
    expect(newSize().rows).toBe(500);
    expect(new AdaptiveSize(5, 200).rows).toBe(200);
  });

  it('grows by half while statements take less than half of the target, up to the most', () => {
    const size = newSize();
    size.learn(12);
    expect(size.rows).toBe(750);
    for (let count = 0; count < 10; count += 1) size.learn(12);
    expect(size.rows).toBe(5000);
  });

  it('stays between half of the target and the target', () => {
    const size = newSize();
    size.learn(12.5);
    size.learn(25);
    expect(size.rows).toBe(500);
  });

  it('halves after a statement over the target, down to a twentieth of the most', () => {
    const size = new AdaptiveSize(25, 4000);
    size.learn(26);
    expect(size.rows).toBe(250);
    for (let count = 0; count < 10; count += 1) size.learn(26);
    expect(size.rows).toBe(200);
  });

  it('halves after a statement that failed, down to 50, and stays there while statements are slow', () => {
    const size = newSize();
    for (let count = 0; count < 10; count += 1) size.halve();
    size.learn(26);
    expect(size.rows).toBe(50);
  });

  it('never passes a most that is below 50', () => {
    const size = new AdaptiveSize(5, 20);
    size.halve();
    size.learn(1);
    expect(size.rows).toBe(20);
  });
});

describe('pauseAfter', () => {
  it('leaves nine tenths of the time to others', () => {
    expect(pauseAfter(10)).toBe(90);
  });
});
