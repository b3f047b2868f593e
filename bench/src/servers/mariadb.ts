import { createConnection } from 'mysql2/promise';

import type { Server } from './servers.js';

/** MariaDB or MySQL. */
export async function findMariadb(url: string): Promise<Server | undefined> {
  try {
    const found = await versionAt(url);
    return { url, version: async () => found };
  } catch {
    return undefined;
  }
}

async function versionAt(url: string): Promise<string> {
  const uri = url.replace(/^mariadb:/, 'mysql:');
  const connection = await createConnection({ uri, connectTimeout: 2000 });
  try {
    const [rows] = await connection.query('select version() as version');
    const [row] = rows as { version: string }[];
    return row?.version.split('-')[0] ?? '';
  } finally {
    await connection.end();
  }
}
