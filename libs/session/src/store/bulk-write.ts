import type { Row } from './session-row.js';
import type { Statement } from './sql.js';
import type { StatementRunner, Values } from './statement-runner.js';

/** A bounded write of many rows that says which it wrote, passing over rows that someone else has locked. */
export type BulkWrite =
  /** One statement, where there is RETURNING. */
  | { readonly atOnce: Statement }
  /** Where there is none: read ids without locks, lock by primary key those that are free and still meant, write by id. */
  | { readonly find: Statement; readonly lock: Statement; readonly write: Statement };

/** Runs a bulk write, inside a transaction. @returns the rows it looked at and, of these, the rows it wrote. */
export async function writeMany(
  runner: StatementRunner,
  bulk: BulkWrite,
  values: Values,
): Promise<{ readonly found: readonly Row[]; readonly written: readonly Row[] }> {
  if ('atOnce' in bulk) {
    const { rows } = await runner.run(bulk.atOnce, values);
    return { found: rows, written: rows };
  }
  const { rows: found } = await runner.run(bulk.find, values);
  if (found.length === 0) return { found, written: [] };
  const { rows: written } = await runner.run(bulk.lock, { ...values, ids: idsOf(found) });
  if (written.length > 0) await runner.run(bulk.write, { ...values, ids: idsOf(written) });
  return { found, written };
}

/** Sorted: two writers that lock in the same order cannot deadlock. */
function idsOf(rows: readonly Row[]): readonly string[] {
  return rows.map((row) => String(row['id'])).toSorted();
}
