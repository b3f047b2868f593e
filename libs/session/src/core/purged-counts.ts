import type { PurgedCount, PurgedSession } from './session-store.js';

/** Sums up deleted rows by reason. */
export function countPurged(
  sessions: readonly Pick<PurgedSession, 'reason' | 'purgeAt'>[],
): readonly PurgedCount[] {
  const counts = new Map<string, PurgedCount>();
  for (const { reason, purgeAt } of sessions) {
    const known = counts.get(reason) ?? { reason, count: 0, oldestPurgeAt: purgeAt };
    const oldestPurgeAt = Math.min(known.oldestPurgeAt, purgeAt);
    counts.set(reason, { reason, count: known.count + 1, oldestPurgeAt });
  }
  return [...counts.values()];
}
