import { addStock } from '../curfew/stock.js';
import { Child } from '../processes/child.js';
import { isWanted, type Sample, type Settings } from '../scenario.js';
import type { BenchDatabase } from '../servers/postgres.js';
import { median, percentile, rotated } from '../statistics.js';
import { startNode, startProbe } from './processes.js';
import type { RevokeTimesInput } from './node.process.js';
import type { ProbeInput, SignInInput } from './probe.process.js';

const SIZES = [1, 100, 100_000];
/** Revocations in one measurement; each is as much work as the first. */
const TIMES = 100;
const SPAN_MS = 12 * 3_600_000;

/** How long it takes to end all sessions of a user who has many, by Curfew and by deleting the rows. */
export async function measureRevocations(
  database: BenchDatabase,
  settings: Settings,
  say: (line: string) => void,
): Promise<Sample[]> {
  const users = SIZES.map((size) => ({ size, userId: `user-with-${size}` })).filter(({ userId }) =>
    isWanted(settings, userId),
  );
  for (const { size, userId } of users)
    await addStock(database, { rows: size, spanMs: SPAN_MS, userId });
  await database.query('vacuum analyze');
  const probe = startProbe();
  const { node, url } = await startNode(database.url, {});
  try {
    const samples: Sample[] = [];
    for (let repetition = 0; repetition < settings.repetitions; repetition += 1) {
      for (const { size, userId } of rotated(users, repetition)) {
        const cookie = await probe.call<string>('signIn', { url, userId } satisfies SignInInput);
        const input: RevokeTimesInput = { userId, times: settings.quick ? 5 : TIMES };
        const durations = await node.call<number[]>('revokeTimes', input);
        await expectRefusal(probe, { url, cookie });
        const deleteMs = await timeDelete(database, userId);
        const [p50Ms, p99Ms] = [median(durations), percentile(durations, 0.99)];
        samples.push({ measure: 'revoke', sessions: size, repetition, p50Ms, p99Ms, deleteMs });
        say(
          `${repetition + 1}. ${size.toLocaleString('en-US')} sessions: ${p50Ms.toFixed(2)} ms, by DELETE ${deleteMs.toFixed(1)} ms`,
        );
      }
    }
    return samples;
  } finally {
    await Promise.all([probe.stop(), node.stop()]);
  }
}

async function expectRefusal(probe: Child, input: ProbeInput): Promise<void> {
  const status = await probe.call<number>('status', input);
  if (status !== 401) throw new Error(`Expected 401 after the revocation, got ${status}.`);
}

/** What an application does whose rows are all there is: taken back, so that the next one has as much to do. */
async function timeDelete(database: BenchDatabase, userId: string): Promise<number> {
  await database.query('begin');
  const start = performance.now();
  await database.query('delete from sessions where user_id = $1', [userId]);
  const elapsedMs = performance.now() - start;
  await database.query('rollback');
  return elapsedMs;
}
