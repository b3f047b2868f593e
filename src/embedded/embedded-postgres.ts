import type { ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chown, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import pg from 'pg';

import { BootError } from '../boot-error.js';
import { freePort } from './free-port.js';
import { localSecret } from './local-secret.js';
import { type PostgresBinaries, postgresBinaries } from './postgres-binaries.js';
import { type Account, exitCodeOf, spawnAs, unprivilegedAccount } from './unprivileged.js';

const USER = 'curfew';
const DATABASE = 'curfew';

/** Held by whoever started the server, for as long as it lives. Any constant will do. */
const OWNER_LOCK = 2_206_181;

const START_DEADLINE_MS = 60_000;
const STOP_DEADLINE_MS = 10_000;
const POLL_MS = 50;

interface Place {
  readonly binaries: PostgresBinaries;
  readonly account: Account | undefined;
  readonly data: string;
  readonly log: string;
  readonly password: string;
}

/**
 * A PostgreSQL server of this process's own, with its data in a directory that survives it. It listens on a free port of
 * the loopback interface only.
 */
export class EmbeddedPostgres {
  /** Resolves with what to tell a person when the server ends though `stop` was not called. */
  readonly failed: Promise<string>;
  #isStopping = false;

  private constructor(
    readonly url: string,
    private readonly server: ChildProcess,
    private readonly owner: pg.Client,
    { log }: Place,
  ) {
    this.failed = new Promise((report) => {
      server.once('exit', () => {
        if (!this.#isStopping) report(`PostgreSQL has ended; ${log} says why`);
      });
    });
  }

  /**
   * Starts the server, and creates its data the first time. A server that a crashed process left behind is stopped first.
   * @throws BootError where another process uses the same directory, or the server does not start.
   */
  static async start(directory: string): Promise<EmbeddedPostgres> {
    const place = await prepare(directory);
    await stopLeftOver(place);
    const port = await freePort();
    const server = await spawnLogged(place, place.binaries.postgres, [
      `-D${place.data}`,
      `-p${port}`,
      '--listen_addresses=127.0.0.1',
      '--unix_socket_directories=',
    ]);
    try {
      const owner = await connectAsOwner(place, port, server);
      return new EmbeddedPostgres(urlOf(place, port), server, owner, place);
    } catch (error) {
      server.kill('SIGQUIT');
      throw error;
    }
  }

  /** Ends connections that are left, writes a checkpoint and stops, within 10 seconds. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    await this.owner.end().catch(() => {});
    this.server.kill('SIGINT');
    const timer = setTimeout(() => this.server.kill('SIGQUIT'), STOP_DEADLINE_MS);
    await exitCodeOf(this.server);
    clearTimeout(timer);
  }
}

async function prepare(directory: string): Promise<Place> {
  const data = resolve(directory, 'postgres');
  await mkdir(directory, { recursive: true });
  const place: Place = {
    binaries: await postgresBinaries(),
    account: await unprivilegedAccount(data),
    data,
    log: resolve(directory, 'postgres.log'),
    password: await localSecret(join(directory, 'postgres-password')),
  };
  await writeFile(place.log, '');
  if (!existsSync(data)) await initialize(place);
  return place;
}

async function initialize(place: Place): Promise<void> {
  const { account, binaries, data } = place;
  const unfinished = `${data}.new`;
  const passwordFile = `${data}.password`;
  await rm(unfinished, { recursive: true, force: true });
  await mkdir(unfinished, { mode: 0o700 });
  await writeFile(passwordFile, place.password, { mode: 0o600 });
  for (const path of [unfinished, passwordFile]) {
    if (account !== undefined) await chown(path, account.uid, account.gid);
  }
  const initdb = await spawnLogged(place, binaries.initdb, [
    `--pgdata=${unfinished}`,
    `--username=${USER}`,
    `--pwfile=${passwordFile}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    '--locale-provider=builtin',
    '--builtin-locale=C.UTF-8',
  ]);
  const exitCode = await exitCodeOf(initdb);
  await rm(passwordFile);
  if (exitCode !== 0) throw await failure(place, 'initdb failed');
  // Under its final name only when it is complete: what an interrupted initdb leaves is no database.
  await rename(unfinished, data);
}

/** A start that was killed takes its web and worker processes with it, but not the server, which nobody uses then. */
async function stopLeftOver(place: Place): Promise<void> {
  const file = await readFile(join(place.data, 'postmaster.pid'), 'utf8').catch(() => '');
  const [pid, , , port] = file.split('\n').map(Number);
  if (!pid || !port) return;
  const client = newClient(place, port, 'postgres');
  try {
    await client.connect();
  } catch {
    return;
  }
  const isLeftOver = await acquireOwnership(client);
  await client.end();
  if (!isLeftOver) {
    throw new BootError(
      `Expected ${place.data} to be unused, got a PostgreSQL that another process has started (pid ${pid}). Stop that process first.`,
    );
  }
  process.kill(pid, 'SIGINT');
  await until(() => !existsSync(join(place.data, 'postmaster.pid')), STOP_DEADLINE_MS);
}

async function connectAsOwner(
  place: Place,
  port: number,
  server: ChildProcess,
): Promise<pg.Client> {
  let owner: pg.Client | undefined;
  await until(async () => {
    if (server.exitCode !== null) throw await failure(place, 'PostgreSQL did not start');
    const client = newClient(place, port, 'postgres');
    owner = await client.connect().then(
      () => client,
      () => undefined,
    );
    return owner !== undefined;
  }, START_DEADLINE_MS);
  if (owner === undefined) throw await failure(place, 'PostgreSQL did not start in time');
  await acquireOwnership(owner);
  const { rowCount } = await owner.query('select from pg_database where datname = $1', [DATABASE]);
  if (rowCount === 0) await owner.query(`create database ${DATABASE}`);
  return owner;
}

async function acquireOwnership(client: pg.Client): Promise<boolean> {
  const { rows } = await client.query<{ acquired: boolean }>(
    'select pg_try_advisory_lock($1) as acquired',
    [OWNER_LOCK],
  );
  return rows[0]?.acquired === true;
}

function newClient({ password }: Place, port: number, database: string): pg.Client {
  const client = new pg.Client({ host: '127.0.0.1', port, user: USER, password, database });
  // Without a listener the end of the server would end this process too, before it has stopped the others.
  client.on('error', () => {});
  return client;
}

function urlOf({ password }: Place, port: number): string {
  return `postgres://${USER}:${password}@127.0.0.1:${port}/${DATABASE}`;
}

async function spawnLogged(
  { account, log }: Place,
  file: string,
  args: readonly string[],
): Promise<ChildProcess> {
  const output = await open(log, 'a');
  try {
    return spawnAs(account, file, args, ['ignore', output.fd, output.fd]);
  } finally {
    await output.close();
  }
}

async function failure({ log }: Place, what: string): Promise<BootError> {
  const lines = (await readFile(log, 'utf8')).trimEnd().split('\n').slice(-10);
  return new BootError(
    `${what}. The end of ${log}:\n${lines.map((line) => `  ${line}`).join('\n')}`,
  );
}

async function until(
  condition: () => boolean | Promise<boolean>,
  deadlineMs: number,
): Promise<void> {
  const endsAt = performance.now() + deadlineMs;
  while (!(await condition()) && performance.now() < endsAt) await pause(POLL_MS);
}
