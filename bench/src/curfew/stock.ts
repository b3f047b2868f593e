import type { BenchDatabase } from '../servers/postgres.js';

export interface Stock {
  readonly rows: number;
  /** Over how long a time they were issued, until now, in milliseconds. */
  readonly spanMs: number;
  /** Whose they are; one of a million users each unless given. */
  readonly userId?: string;
}

/** Rows for one statement: the bench says how far it is, and none outlives a deadline. */
const ROWS_AT_ONCE = 500_000;

const USER_AGENT =
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36';

/**
 * Adds live sessions that nobody has the token of, as wide as those of an application, in the order in which they would
 * have been issued.
 */
export async function addStock(
  database: BenchDatabase,
  { rows, spanMs, userId }: Stock,
): Promise<void> {
  for (let from = 0; from < rows; from += ROWS_AT_ONCE) {
    const to = Math.min(from + ROWS_AT_ONCE, rows);
    await database.query(FILL, [from, to - 1, rows, spanMs, userId ?? null, USER_AGENT]);
  }
}

const FILL = `
insert into sessions (id, token_hash, generation, user_id, epoch, created_at, last_seen_at, authenticated_at, aal,
  idle_timeout_ms, idle_expires_at, expires_at, purge_at, persistent, policy, ip, user_agent, version, data)
select (lpad(to_hex(at), 12, '0') || '7' || substr(noise, 1, 3) || '8' || substr(noise, 4, 15))::uuid,
  noise || noise, 0, coalesce($5, 'user-' || (random() * 1000000)::int), 0, at, at, at, 1,
  null, null, at + 31536000000, at + 31622400000, true, 'default', '203.0.113.' || i % 256, $6, 0,
  '{"theme":"dark","locale":"en-GB"}'
from (
  select i, ((extract(epoch from now()) * 1000)::bigint - $4::bigint + i * $4::bigint / $3::bigint) as at,
    md5(i || coalesce($5, '')) as noise
  from generate_series($1::bigint, $2::bigint) i
) s`;
