import { migrate } from '../curfew/migrate.js';
import type { Run, Sample, Scenario } from '../scenario.js';
import { BenchDatabase } from '../servers/postgres.js';
import { serverOf } from '../servers/servers.js';
import { measureRefusals } from './refusals.js';
import { renderRevocations } from './revoke-tables.js';
import { measureRevocations } from './revocations.js';

export const revoke: Scenario = {
  name: 'revoke',
  about: 'ending all sessions of a user, and when other processes refuse them',
  needs: ['postgres', 'redis'],
  run: measureRevokes,
  render: renderRevocations,
};

async function measureRevokes({ settings, servers, say }: Run): Promise<readonly Sample[]> {
  const database = await BenchDatabase.create(serverOf(servers, 'postgres'));
  try {
    await migrate(database.url);
    const revocations = await measureRevocations(database, settings, say);
    const redisUrl = serverOf(servers, 'redis').url;
    return [...revocations, ...(await measureRefusals(database, redisUrl, settings, say))];
  } finally {
    await database.drop();
  }
}
