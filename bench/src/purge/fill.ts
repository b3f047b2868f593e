import type { Backlog, DatabaseName } from './backlog.js';

/** How one database makes rows out of nothing. */
interface Generator {
  /** Rows `n` from 1. */
  series(rows: number): string;
  /** 0 to 1. */
  readonly random: string;
  /** 32 random hexadecimal digits. */
  readonly hex: string;
  /** Epoch milliseconds. */
  readonly now: string;
  /** Twelve hexadecimal digits of a number. */
  stamp(ms: string): string;
  integer(value: string): string;
  id(text: string): string;
  json(text: string): string;
  /** A point in time, from epoch milliseconds. */
  time(ms: string): string;
}

const generators: Readonly<Record<DatabaseName, Generator>> = {
  postgres: {
    series: (rows) => `generate_series(1, ${rows}) as series(n)`,
    random: 'random()',
    hex: 'md5(concat(n, random()))',
    now: '(extract(epoch from now()) * 1000)',
    stamp: (ms) => `lpad(to_hex(cast(${ms} as bigint)), 12, '0')`,
    integer: (value) => `cast(floor(${value}) as bigint)`,
    id: (text) => `cast(${text} as uuid)`,
    json: (text) => `cast(${text} as json)`,
    time: (ms) => `to_timestamp(${ms} / 1000.0)`,
  },
  mariadb: {
    series: (rows) => `(select seq as n from seq_1_to_${rows}) series`,
    random: 'rand()',
    hex: 'md5(concat(n, rand()))',
    now: '(unix_timestamp(now(3)) * 1000)',
    stamp: (ms) => `lpad(lower(hex(cast(${ms} as unsigned))), 12, '0')`,
    integer: (value) => `cast(floor(${value}) as signed)`,
    id: (text) => text,
    json: (text) => text,
    time: (ms) => `from_unixtime(${ms} / 1000.0)`,
  },
  sqlite: {
    series: (rows) =>
      `(with recursive t(n) as (select 1 union all select n + 1 from t where n < ${rows}) select n from t) series`,
    random: '((random() >> 11) / 9007199254740992.0 + 0.5)',
    hex: 'lower(hex(randomblob(16)))',
    now: `(unixepoch('subsec') * 1000)`,
    stamp: (ms) => `printf('%012x', cast(${ms} as integer))`,
    integer: (value) => `cast(${value} as integer)`,
    id: (text) => text,
    json: (text) => text,
    time: (ms) => `datetime(${ms} / 1000.0, 'unixepoch')`,
  },
};

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Over how many days the rows were issued, and until when the others live on. */
const DAYS = 14;
const USER_AGENT =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36';

/** Fills a table that is there. Rows are as wide as in use, and their order says nothing about which are overdue. */
export async function fill(
  on: { query(text: string): Promise<unknown> },
  database: DatabaseName,
  backlog: Backlog,
  into: string,
): Promise<void> {
  const { series, random, hex } = generators[database];
  // Each row's random numbers, drawn once.
  const drawn = `select n, ${random} as chance, ${random} as distance, ${random} as owner, ${hex} as h
    from ${series(backlog.rows)}`;
  const columns = columnsOf(generators[database], backlog);
  const names = Object.keys(columns).join(', ');
  const values = Object.values(columns).join(', ');
  await on.query(
    `insert into ${into} (${names}) select ${values} from (${drawn}) drawn order by n`,
  );
}

function columnsOf(
  { now, stamp, integer, id, json, time }: Generator,
  { table, rows, share }: Backlog,
): Record<string, string> {
  const issuedAt = `${now} - (${rows} - n) * ${(DAYS * DAY_MS) / rows}`;
  const isDue = `chance < ${share}`;
  const away = `case when ${isDue} then -1 - distance * ${DAYS * 24} else 1 + distance * ${DAYS * 24} end`;
  const endsAt = `${integer(`${now} / ${HOUR_MS} + ${away}`)} * ${HOUR_MS}`;
  const text = `concat('{"views":1,"returnTo":"/orders/', n, '","cart":["', h, '","', h, '"]}')`;
  if (table === 'session') {
    return { sid: 'h', sess: json(text), expire: time(endsAt) };
  }
  if (table === 'django_session') {
    return { session_key: 'h', session_data: text, expire_date: time(endsAt) };
  }
  const uuid = `concat(substr(${stamp(issuedAt)}, 1, 8), '-', substr(${stamp(issuedAt)}, 9, 4), '-7', substr(h, 1, 3),
    '-8', substr(h, 4, 3), '-', substr(h, 7, 12))`;
  const isRevoked = `${isDue} and owner < 0.1`;
  return {
    id: id(uuid),
    token_hash: 'concat(h, h)',
    generation: '0',
    user_id: `concat('user-', ${integer(`owner * ${rows / 4}`)})`,
    epoch: '0',
    created_at: integer(issuedAt),
    last_seen_at: integer(issuedAt),
    authenticated_at: integer(issuedAt),
    aal: '1',
    amr: `'["pwd"]'`,
    idle_timeout_ms: `${DAYS * DAY_MS}`,
    idle_expires_at: `${endsAt} - ${DAY_MS}`,
    expires_at: `${integer(issuedAt)} + ${90 * DAY_MS}`,
    purge_at: endsAt,
    persistent: '(1 = 1)',
    policy: `'default'`,
    revoked_at: `case when ${isRevoked} then ${endsAt} - ${DAY_MS} end`,
    revoke_reason: `case when ${isRevoked} then 'signed-out' end`,
    ip: `'203.0.113.77'`,
    user_agent: `'${USER_AGENT}'`,
    version: '1',
    data: json(text),
  };
}
