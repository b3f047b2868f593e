import { describe, expect, it } from '@jest/globals';

import { CommitBench, counting } from '../../../../test/support/commit-bench.js';
import { collectEvents } from '../../../../test/support/next-event.js';

describe('SessionCommit', () => {
  it('raises session:changed for what it writes, and not for a rotation alone', async () => {
    const bench = new CommitBench();
    const changed = collectEvents(bench.events, 'session:changed');
    const rotated = await bench.issue();
    await bench.commit(rotated.current, { rotation: 'now' });
    const counted = await bench.issue();
    await bench.commit(counted.current, counting);
    const kept = await bench.issue();
    await bench.commit(kept.current, { expiry: { persistent: true } });
    expect(changed).toEqual([
      { sessionId: counted.id, userId: 'ada' },
      { sessionId: kept.id, userId: 'ada' },
    ]);
  });
});
