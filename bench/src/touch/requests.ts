import { join } from 'node:path';

import { Child } from '../processes/child.js';
import type { LoadInput, LoadReport, SignInInput } from '../request/load.process.js';
import { isWanted, type Sample, type Settings } from '../scenario.js';
import type { BenchDatabase } from '../servers/postgres.js';
import { rotated } from '../statistics.js';
import type { TouchServerInput, TouchServerUse } from './server.process.js';

/** Every session is asked for several times in every touch interval. */
const SESSIONS = 500;
const CONNECTIONS = 32;
export const TOUCH_INTERVAL_MS = 2000;

const KINDS = ['requests/curfew', 'requests/connect-pg-simple'] as const;

/** What requests write, with Curfew and with a store that writes at every request. */
export async function measureRequestWrites(
  database: BenchDatabase,
  settings: Settings,
  say: (line: string) => void,
): Promise<Sample[]> {
  const load = new Child(join(import.meta.dirname, '../request/load.process.js'));
  const kinds = KINDS.filter((kind) => isWanted(settings, kind));
  const samples: Sample[] = [];
  try {
    for (let repetition = 0; repetition < settings.repetitions; repetition += 1) {
      for (const kind of rotated(kinds, repetition)) {
        const measured = await measure(load, database, kind, settings.seconds * 1000);
        samples.push({ measure: 'requests', variant: kind, repetition, ...measured });
        say(
          `${repetition + 1}. ${kind}: ${measured.writesPerInterval.toFixed(2)} writes per session and interval`,
        );
      }
    }
    return samples;
  } finally {
    await load.stop();
  }
}

async function measure(
  load: Child,
  database: BenchDatabase,
  kind: (typeof KINDS)[number],
  durationMs: number,
) {
  const server = new Child(join(import.meta.dirname, 'server.process.js'));
  try {
    const touchIntervalMs = kind === 'requests/curfew' ? TOUCH_INTERVAL_MS : null;
    const start: TouchServerInput = { databaseUrl: database.url, touchIntervalMs };
    const url = await server.call<string>('start', start);
    await load.call('signIn', { url, sessions: SESSIONS } satisfies SignInInput);
    const updatesBefore = await updatesOf(database);
    const before = await server.call<TouchServerUse>('use');
    const input: LoadInput = { url, connections: CONNECTIONS, durationMs };
    const { requests, elapsedMs } = await load.call<LoadReport>('load', input);
    await server.call('close');
    const after = await server.call<TouchServerUse>('use');
    // Its connections hand in what they have counted when they end.
    await server.stop();
    await database.untilAlone();
    const writes = (await updatesOf(database)) - updatesBefore;
    return {
      requestsPerSecond: (requests * 1000) / elapsedMs,
      statementsPer1000: ((after.statements - before.statements) * 1000) / requests,
      updatesPer1000: ((after.updateStatements - before.updateStatements) * 1000) / requests,
      writesPer1000: (writes * 1000) / requests,
      requestsPerInterval: requests / SESSIONS / (elapsedMs / TOUCH_INTERVAL_MS),
      writesPerInterval: writes / SESSIONS / (elapsedMs / TOUCH_INTERVAL_MS),
    };
  } finally {
    await server.stop();
  }
}

async function updatesOf(database: BenchDatabase): Promise<number> {
  const [row] = await database.query(
    'select coalesce(sum(n_tup_upd), 0) as updates from pg_stat_user_tables',
  );
  return Number(row?.['updates']);
}
