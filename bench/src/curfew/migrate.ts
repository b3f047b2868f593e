import { join } from 'node:path';

import { Child } from '../processes/child.js';

/** Makes Curfew's tables. In a process of its own: the one that measures loads no part of what is measured. */
export async function migrate(databaseUrl: string): Promise<void> {
  const child = new Child(join(import.meta.dirname, 'migrate.process.js'));
  try {
    await child.call('migrate', databaseUrl);
  } finally {
    await child.stop();
  }
}
