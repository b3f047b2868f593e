import { migrate } from '../curfew/migrate.js';
import type { Run, Sample, Scenario } from '../scenario.js';
import { BenchDatabase } from '../servers/postgres.js';
import { serverOf } from '../servers/servers.js';
import { measureFlushes } from './flushes.js';
import { measureRequestWrites } from './requests.js';
import { renderTouches } from './touch-tables.js';

export const touch: Scenario = {
  name: 'touch',
  about: 'activity of sessions written to the database, beside one UPDATE each',
  needs: ['postgres'],
  run: measureTouches,
  render: renderTouches,
};

async function measureTouches({ settings, servers, say }: Run): Promise<readonly Sample[]> {
  const database = await BenchDatabase.create(serverOf(servers, 'postgres'));
  try {
    await migrate(database.url);
    const flushes = await measureFlushes(database, settings, say);
    return [...flushes, ...(await measureRequestWrites(database, settings, say))];
  } finally {
    await database.drop();
  }
}
