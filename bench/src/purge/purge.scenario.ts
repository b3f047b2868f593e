import { isWanted, type Run, type Sample, type Scenario } from '../scenario.js';
import { serverOf } from '../servers/servers.js';
import { rotated } from '../statistics.js';
import type { Backlogs, DatabaseName } from './backlog.js';
import { MariadbBacklogs } from './mariadb-backlogs.js';
import { measure } from './measurement.js';
import { PostgresBacklogs } from './postgres-backlogs.js';
import { renderPurge } from './purge-tables.js';
import { SqliteBacklogs } from './sqlite-backlogs.js';
import { ways } from './ways.js';

const DATABASES: readonly DatabaseName[] = ['postgres', 'mariadb', 'sqlite'];
const ROWS = 2_000_000;
/** The users alone, where they are what matters, for as long as a purge at the default pacing lasts: a p99 of fewer varies. */
const LONG_IDLE = 4;

export const purge: Scenario = {
  name: 'purge',
  about:
    'deleting what is overdue of two million rows, beside other ways, and what users notice of it',
  needs: ['postgres', 'mariadb'],
  run: measurePurge,
  render: renderPurge,
};

async function measurePurge({ settings, servers, say }: Run): Promise<readonly Sample[]> {
  const rows = settings.rows ?? (settings.quick ? ROWS / 100 : ROWS);
  const samples: Sample[] = [];
  for (const database of DATABASES) {
    const wanted = ways.filter(
      ({ name, databases }) =>
        databases.includes(database) && isWanted(settings, `${database}/${name}`),
    );
    if (wanted.length === 0) continue;
    const backlogs = await backlogsOf(database, servers);
    try {
      for (let repetition = 0; repetition < settings.repetitions; repetition += 1) {
        for (const way of rotated(wanted, repetition)) {
          const { table, share } = way;
          const options = await backlogs.restore({ table, share, rows });
          const idleMs = settings.seconds * 1000 * (way.kind === 'gentle-purge' ? LONG_IDLE : 1);
          const measured = await measure(way, database, options, idleMs);
          const sample = { database, way: way.name, rows, repetition, ...measured };
          samples.push(sample);
          say(
            `${repetition + 1}. ${database}, ${way.name}: ${Math.round(sample.rowsPerSecond)} rows/s, slowest ${sample.slowestMs.toFixed(0)} ms`,
          );
        }
      }
    } finally {
      await backlogs.drop();
    }
  }
  return samples;
}

async function backlogsOf(database: DatabaseName, servers: Run['servers']): Promise<Backlogs> {
  if (database === 'sqlite') return SqliteBacklogs.open();
  const { url } = serverOf(servers, database);
  return database === 'postgres' ? PostgresBacklogs.open(url) : MariadbBacklogs.open(url);
}
