import { describe, expect, it } from '@jest/globals';

import { DEFAULT_PACING, Pacing, pauseAfter } from './pacing.js';

describe('Pacing', () => {
  it('begins with 500 rows, or with the most that is allowed', () => {
    expect(new Pacing(DEFAULT_PACING).batchSize).toBe(500);
    expect(new Pacing({ targetStatementMs: 5, maxBatchSize: 200 }).batchSize).toBe(200);
  });

  it('grows by half while statements take less than half of the target, up to the most', () => {
    const pacing = new Pacing(DEFAULT_PACING);
    pacing.learn(12);
    expect(pacing.batchSize).toBe(750);
    for (let count = 0; count < 10; count += 1) pacing.learn(12);
    expect(pacing.batchSize).toBe(5000);
  });

  it('keeps its size between half of the target and the target', () => {
    const pacing = new Pacing(DEFAULT_PACING);
    pacing.learn(12.5);
    pacing.learn(25);
    expect(pacing.batchSize).toBe(500);
  });

  it('halves after a statement over the target, down to 50', () => {
    const pacing = new Pacing(DEFAULT_PACING);
    pacing.learn(26);
    expect(pacing.batchSize).toBe(250);
    for (let count = 0; count < 10; count += 1) pacing.slowDown();
    expect(pacing.batchSize).toBe(50);
  });

  it('never passes a most that is below 50', () => {
    const pacing = new Pacing({ targetStatementMs: 5, maxBatchSize: 20 });
    pacing.slowDown();
    pacing.learn(1);
    expect(pacing.batchSize).toBe(20);
  });
});

describe('pauseAfter', () => {
  it('leaves four fifths of the time to others', () => {
    expect(pauseAfter(25)).toBe(100);
  });
});
