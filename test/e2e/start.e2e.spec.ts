import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import pg from 'pg';

import { Browser } from '../support/browser.js';
import { describeEachDatabase } from '../support/databases.js';
import { freePort } from '../support/embedded-postgres.js';
import { databaseUrlOf } from '../support/database-url.js';
import { ObservedProcess } from '../support/observed-process.js';
import { PrivateRedis } from '../support/redis.js';
import { until } from '../support/until.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const user = { email: 'ada@example.org', password: 'correct horse battery' };
const secret = 'a secret of at least thirty-two bytes';

/** Sessions live two seconds, and their rows about as long again. */
const shortLived = {
  SESSION_IDLE_TIMEOUT_MS: '2000',
  SESSION_RETENTION_MS: '0',
  SESSION_PURGE_BUCKET_MS: '1000',
  SESSION_PURGE_EVERY_MS: '1000',
};

/** Every process that is asked to stop has stopped by then. */
const STOP_WITHIN_MS = 10_000;

jest.setTimeout(120_000);

let directory: string;
const running: ObservedProcess[] = [];

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'curfew-start-'));
  // Beside the build that a person may be running.
  await promisify(execFile)(
    process.execPath,
    ['node_modules/@nestjs/cli/bin/nest.js', 'build', '--path', 'test/e2e/tsconfig.json'],
    { cwd: root },
  );
});

afterAll(async () => {
  for (const each of running) each.kill('SIGTERM');
  await Promise.all(running.map(({ exited }) => exited));
  for (const each of [directory, join(root, 'dist/e2e')]) {
    rmSync(each, { recursive: true, force: true });
  }
});

function observe(
  command: readonly [string, ...string[]],
  environment: NodeJS.ProcessEnv,
): ObservedProcess {
  const started = new ObservedProcess(command, { PORT: '0', ...environment }, directory);
  running.push(started);
  return started;
}

function run(entry: string, environment: NodeJS.ProcessEnv): ObservedProcess {
  return observe([process.execPath, join(root, 'dist/e2e/src', entry)], environment);
}

async function start(environment: NodeJS.ProcessEnv = {}): Promise<[ObservedProcess, string]> {
  const started = run('start.js', environment);
  const [, origin = ''] = await started.says(/^Listening on (\S+)\. Stop it with Ctrl-C\.$/m);
  return [started, origin];
}

/** Web and worker, by what Nest's logger calls them. */
function processIdsIn({ output }: ObservedProcess): number[] {
  return [...new Set([...output.matchAll(/\[Nest\] (\d+)/g)].map(([, id]) => Number(id)))];
}

function isAlive(id: number): boolean {
  try {
    return process.kill(id, 0);
  } catch {
    return false;
  }
}

async function countSessions(): Promise<number> {
  const client = new pg.Client(readFileSync(join(directory, '.data/database-url'), 'utf8'));
  await client.connect();
  const { rows } = await client.query<{ count: number }>('select count(*)::int from sessions');
  await client.end();
  return rows[0]?.count ?? NaN;
}

describe('npm start with nothing configured', () => {
  it('runs the app, and an expired session disappears from the table', async () => {
    const [started, origin] = await start(shortLived);
    const browser = new Browser(origin);
    expect((await browser.post('/auth/register', user)).status).toBe(201);
    expect((await browser.post('/auth/login', user)).status).toBe(200);
    expect(await countSessions()).toBe(1);

    await started.says(/deleted=1 idle-expired=1/);

    expect(await countSessions()).toBe(0);
    expect((await browser.get('/me')).status).toBe(401);

    const stoppedAt = performance.now();
    started.kill('SIGTERM');
    expect(await started.exited).toBe(0);
    expect(performance.now() - stoppedAt).toBeLessThan(STOP_WITHIN_MS);
    const ids = processIdsIn(started);
    expect(ids).toHaveLength(2);
    expect(ids.filter((id) => isAlive(id))).toEqual([]);
    await expect(countSessions()).rejects.toThrow(/ECONNREFUSED/);
  });

  it('finds its data again, also after a crash', async () => {
    const [first, origin] = await start();
    const browser = new Browser(origin);
    expect((await browser.post('/auth/login', user)).status).toBe(200);

    first.kill('SIGKILL');
    await first.exited;
    await until(() => !processIdsIn(first).some((id) => isAlive(id)));

    const [second, newOrigin] = await start();
    const same = new Browser(newOrigin);
    for (const [name, value] of browser.cookies) same.cookies.set(name, value);
    expect((await same.get('/me')).body).toMatchObject({ user: { email: user.email } });
    second.kill('SIGINT');
    expect(await second.exited).toBe(0);
  });

  it('is stopped by a signal to the shell in which npm starts it', async () => {
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: { start: string };
    };
    const script = scripts.start.replace('dist/', join(root, 'dist/e2e/'));
    const started = observe(['sh', '-c', script], {});
    await started.says(/Stop it with Ctrl-C/);
    started.kill('SIGTERM');
    expect(await started.exited).toBe(0);
    expect(processIdsIn(started).filter((id) => isAlive(id))).toEqual([]);
  });

  it('keeps its secrets from other users of the machine', () => {
    for (const name of ['session-secret', 'postgres-password', 'database-url']) {
      expect(statSync(join(directory, '.data', name)).mode & 0o777).toBe(0o600);
    }
  });

  it('refuses to run twice in one directory', async () => {
    const [first, origin] = await start();
    const second = run('start.js', {});
    expect(await second.exited).toBe(1);
    expect(second.output).toContain('another process has started');
    expect(second.output).not.toMatch(/^\s+at /m);
    expect((await new Browser(origin).get('/health')).status).toBe(200);
    first.kill('SIGTERM');
    await first.exited;
  });

  it('stops everything when one of its processes dies', async () => {
    const [started] = await start();
    const [web, worker] = processIdsIn(started);
    process.kill(web!, 'SIGKILL');
    expect(await started.exited).toBe(1);
    expect(isAlive(worker!)).toBe(false);
  });

  it('says what is wrong with its settings and leaves nothing running', async () => {
    const started = run('start.js', { PORT: 'http', HTTP_ADAPTER: 'koa' });
    expect(await started.exited).toBe(1);
    expect(started.output).toMatch(/PORT .*\n.*HTTP_ADAPTER /);
    await expect(countSessions()).rejects.toThrow(/ECONNREFUSED/);
  });
});

const redis = await PrivateRedis.start();

await describeEachDatabase('npm start with DATABASE_URL', (database) => {
  const purgesOn = async (environment: NodeJS.ProcessEnv): Promise<ObservedProcess> => {
    const [started, origin] = await start({
      ...shortLived,
      ...environment,
      DATABASE_URL: databaseUrlOf(database.options()),
      SESSION_COOKIE_SECURE: 'false',
      SESSION_SECRET: secret,
    });
    const browser = new Browser(origin);
    await browser.post('/auth/register', user);
    expect((await browser.post('/auth/login', user)).status).toBe(200);
    expect((await browser.get('/me')).status).toBe(200);
    await started.says(/deleted=1 idle-expired=1/);
    started.kill('SIGTERM');
    expect(await started.exited).toBe(0);
    return started;
  };

  (redis === undefined ? describe.skip : describe)('and REDIS_URL', () => {
    it('purges on BullMQ in Redis', async () => {
      const { output } = await purgesOn({ REDIS_URL: redis?.url });
      expect(output).toContain('Worker is ready: BullMQ on redis');
    });

    it('answers for the health of a worker, which fails without its queue', async () => {
      const environment = {
        ...shortLived,
        DATABASE_URL: databaseUrlOf(database.options()),
        REDIS_URL: redis?.url,
        SESSION_SECRET: secret,
      };
      expect(await run('migrate.js', environment).exited).toBe(0);
      const port = await freePort();
      const worker = run('worker.js', { ...environment, WORKER_HEALTH_PORT: `${port}` });
      await worker.says(/Worker is ready/);
      const health = async (): Promise<number> =>
        (await new Browser(`http://127.0.0.1:${port}`).get('/health')).status;
      await until(async () => (await health()) === 200);
      await redis?.stop();
      expect(await health()).toBe(503);
      await redis?.start();
      await until(async () => (await health()) === 200);
      worker.kill('SIGTERM');
      expect(await worker.exited).toBe(0);
    });
  });

  it('purges without Redis, on BullMQ in PostgreSQL or in the web process', async () => {
    const { output } = await purgesOn({ HTTP_ADAPTER: 'fastify' });
    const hasWorker = output.includes('Worker is ready: BullMQ on postgres');
    expect(hasWorker).toBe(database.name === 'postgres');
  });
});

describe.each(['main.js', 'worker.js', 'migrate.js'])('node dist/src/%s', (entry) => {
  it('lists all that is wrong with its settings, and how to make a secret', async () => {
    const started = run(entry, { PORT: 'http', SESSION_IDLE_TIMEOUT_MS: '30m' });
    expect(await started.exited).toBe(1);
    for (const name of ['PORT', 'DATABASE_URL', 'SESSION_SECRET', 'SESSION_IDLE_TIMEOUT_MS']) {
      expect(started.output).toContain(`- Expected ${name} `);
    }
    expect(started.output).toContain('randomBytes(32)');
  });

  it.each(['postgres', 'mysql'])('says in one line that there is no %s database', async (type) => {
    const port = await freePort();
    const started = run(entry, {
      DATABASE_URL: `${type}://ada:hunter2@127.0.0.1:${port}/curfew`,
      REDIS_URL: 'redis://127.0.0.1:1',
      SESSION_SECRET: secret,
    });
    expect(await started.exited).toBe(1);
    expect(started.output.trim().split('\n')).toHaveLength(1);
    expect(started.output).toContain(`Expected a database at ${type}://127.0.0.1:${port}/curfew`);
    expect(started.output).not.toContain('hunter2');
  });
});

describe('node dist/src/worker.js', () => {
  it('refuses to start where the web process does the work', async () => {
    const started = run('worker.js', { DATABASE_URL: 'sqlite:x.sqlite', SESSION_SECRET: secret });
    expect(await started.exited).toBe(1);
    expect(started.output).toContain('Expected SESSION_JOBS=bullmq for a worker');
  });
});
