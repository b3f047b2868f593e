import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { afterAll } from '@jest/globals';
import pg from 'pg';

import { EmbeddedPostgres } from '../../src/embedded/embedded-postgres.js';
import { absent } from './absent-server.js';

/** A PostgreSQL server of a test's own, to be stopped by signals and killed. Its data survives that. */
export class PrivatePostgres {
  #frozen: readonly number[] = [];

  private constructor(
    private readonly directory: string,
    private server: EmbeddedPostgres,
  ) {}

  /** `undefined` where there is no such package for this machine. Stopped and deleted after the last test of the block. */
  static async start(): Promise<PrivatePostgres | undefined> {
    const directory = mkdtempSync(join(tmpdir(), 'curfew-test-postgres-'));
    afterAll(() => rmSync(directory, { recursive: true, force: true }));
    try {
      const started = new PrivatePostgres(directory, await EmbeddedPostgres.start(directory));
      afterAll(() => started.#stop());
      return started;
    } catch (error) {
      console.warn(error);
      return absent('postgres');
    }
  }

  /** Another one after each `restart`. */
  get url(): string {
    return this.server.url;
  }

  /** Stops every process of the server until `thaw`: connections are still accepted, by the kernel, and nothing answers. */
  async freeze(): Promise<void> {
    this.#frozen = await this.#processes();
    for (const id of this.#frozen) process.kill(id, 'SIGSTOP');
  }

  thaw(): void {
    for (const id of this.#frozen) process.kill(id, 'SIGCONT');
    this.#frozen = [];
  }

  /** As a crash of the machine ends it: no process says goodbye, nothing is written any more. */
  async kill(): Promise<void> {
    for (const id of await this.#processes()) process.kill(id, 'SIGKILL');
    await this.server.failed;
  }

  /** Starts a killed server again, from what it had written, on another port. */
  async restart(): Promise<void> {
    this.server = await EmbeddedPostgres.start(this.directory);
  }

  async #stop(): Promise<void> {
    this.thaw();
    await this.server.stop();
  }

  /** The postmaster first, so that it starts nothing while the others end. */
  async #processes(): Promise<readonly number[]> {
    const client = new pg.Client(this.url);
    await client.connect();
    const { rows } = await client.query<{ pid: number }>(
      `select split_part(pg_read_file('postmaster.pid'), E'\\n', 1)::int as pid
       union all select pid from pg_stat_activity where pid <> pg_backend_pid()`,
    );
    await client.end();
    return rows.map(({ pid }) => pid);
  }
}
