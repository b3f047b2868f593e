import { boot } from './boot.js';
import { migrate } from './data-source.js';

await boot(async ({ databaseUrl }) => {
  const names = await migrate(databaseUrl);
  return names.length === 0 ? 'The database is up to date' : `Ran ${names.join(', ')}`;
});
