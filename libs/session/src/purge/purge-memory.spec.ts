import { describe, expect, it } from '@jest/globals';

import { minutes } from '../core/duration.js';
import { LOWEST_ID } from '../core/session-id.js';
import { advanced, PurgeMemory, walkFrom } from './purge-memory.js';

const NOW = Date.UTC(2026, 0, 1);

describe('PurgeMemory', () => {
  /** As after a run that came to five milliseconds before now. */
  function memoryOf(rows: number, leftEndMs: number): PurgeMemory {
    const memory = new PurgeMemory();
    expect(memory.watermarkAt(NOW)).toBe(0);
    memory.reached(NOW - 5);
    memory.deleted(rows, leftEndMs, NOW);
    return memory;
  }

  it('has the index entered at its left end, for the rows that were locked', () => {
    expect(memoryOf(9999, 999).watermarkAt(NOW)).toBe(0);
  });

  it.each([
    ['many rows were deleted', 10_000, 0],
    ['the left end was slow', 1, 1000],
  ])('has it entered where the last run came to, for ten minutes, where %s', (_, rows, ms) => {
    const memory = memoryOf(rows, ms);
    memory.deleted(rows, ms, NOW + minutes(9));
    expect(memory.watermarkAt(NOW + minutes(10))).toBe(NOW - 5);
    expect(memory.watermarkAt(NOW + minutes(10) + 1)).toBe(0);
  });

  it('has it entered at its left end where the clock was put back', () => {
    expect(memoryOf(10_000, 0).watermarkAt(NOW - minutes(60))).toBe(0);
  });

  it('has the index entered past what a walk has deleted, however long it took', () => {
    const memory = new PurgeMemory();
    memory.walked(NOW - minutes(90), NOW);
    expect(memory.watermarkAt(NOW)).toBe(NOW - minutes(90));
  });
});

describe('a walk', () => {
  const walk = walkFrom('5', NOW);

  it('goes to the end of the table, then from its beginning to where it started', () => {
    const atEnd = { ...walk, after: LOWEST_ID, isPastEnd: true };
    expect(advanced(walk, '7')).toEqual({ ...walk, after: '7' });
    expect(advanced(walk, null)).toEqual(atEnd);
    expect(advanced(atEnd, '4')).toEqual({ ...atEnd, after: '4' });
    expect(advanced(atEnd, '5')).toBeNull();
  });

  it('is done where nothing is left before its start', () => {
    expect(advanced({ ...walk, after: LOWEST_ID, isPastEnd: true }, null)).toBeNull();
  });
});
