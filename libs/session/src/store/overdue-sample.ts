import { issuedAt, lowestIdAt } from '../core/session-id.js';
import type { SessionStatements } from './session-statements.js';
import type { StatementRunner } from './statement-runner.js';
import { PROBES } from './statements/overdue-statements.js';

/**
 * Estimates the share of rows that are due by a sample: a few rows from each of some ids, which lie at equal distances of
 * time. Where ids are dense the rows stand for many others and count for more.
 *
 * Not by the database's own statistics: they are missing on a table that was never analyzed, on a partitioned one, and
 * on SQLite.
 * @returns 0 to 1; 0 for an empty table.
 */
export async function sampleOverdueShare(
  runner: StatementRunner,
  { ends, probes }: SessionStatements['overdue'],
  cutoff: number,
  timeoutMs: number,
): Promise<number> {
  const { rows } = await runner.run(ends, {}, timeoutMs);
  const { first, last } = rows[0] ?? {};
  if (typeof first !== 'string' || typeof last !== 'string') return 0;
  const startsAt = issuedAt(first);
  // An id from the future was made by a clock that is wrong, and would leave most of the sample to empty time.
  const spanMs = Math.max(0, Math.min(issuedAt(last), cutoff) - startsAt);
  const from = Array.from({ length: PROBES }, (_, index) =>
    index === 0 ? first : lowestIdAt(startsAt + (spanMs * index) / PROBES),
  );
  const values = Object.fromEntries(from.map((id, index) => [`from${index}`, id]));
  const sample = await runner.run(probes, { cutoff, ...values }, timeoutMs);
  let rowsPerMs = 0;
  let duePerMs = 0;
  for (const row of sample.rows) {
    if (typeof row['last'] !== 'string') continue;
    const probedMs = issuedAt(row['last']) - issuedAt(from[Number(row['probe'])] ?? first) + 1;
    rowsPerMs += Number(row['seen']) / probedMs;
    duePerMs += Number(row['due']) / probedMs;
  }
  return rowsPerMs === 0 ? 0 : duePerMs / rowsPerMs;
}
