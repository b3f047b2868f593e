import { spawn, type ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

import { afterAll } from '@jest/globals';
import { Redis } from 'ioredis';

import { absent } from './absent-server.js';
import { freePort } from './embedded-postgres.js';
import { until } from './until.js';

/** A Redis server that others use as well, and the prefix under which this test file may write. */
export interface SharedRedis {
  readonly url: string;
  readonly prefix: string;
}

/** `SESSION_TEST_REDIS_URL`, else the usual local port. What was written under the prefix is deleted in the end. */
export async function findRedis(): Promise<SharedRedis | undefined> {
  const given = process.env['SESSION_TEST_REDIS_URL'];
  const url = given ?? 'redis://127.0.0.1:6379';
  if (given === undefined && !(await answers(url))) return absent('redis');
  const prefix = `curfew-test-${randomBytes(6).toString('hex')}`;
  afterAll(() => deleteKeys(url, prefix));
  return { url, prefix };
}

/** Deletes whatever is under a prefix, as a server that lost its memory would. */
export async function deleteKeys(url: string, prefix: string): Promise<void> {
  const redis = new Redis(url);
  try {
    const keys = await redis.keys(`${prefix}:*`);
    if (keys.length > 0) await redis.del(keys);
  } finally {
    redis.disconnect();
  }
}

/** A Redis server of a test's own, to be stopped, frozen and emptied. */
export class PrivateRedis {
  #process: ChildProcess | undefined;

  private constructor(readonly port: number) {}

  /** `undefined` where `redis-server` is not installed. */
  static async start(): Promise<PrivateRedis | undefined> {
    const server = new PrivateRedis(await freePort());
    afterAll(() => server.stop());
    return (await server.start()) ? server : absent('redis');
  }

  get url(): string {
    return `redis://127.0.0.1:${this.port}`;
  }

  /** Starts it on the same port, empty. */
  async start(): Promise<boolean> {
    const options = [
      '--port',
      `${this.port}`,
      '--bind',
      '127.0.0.1',
      '--save',
      '',
      '--appendonly',
      'no',
    ];
    const server = spawn('redis-server', options, { stdio: ['ignore', 'pipe', 'ignore'] });
    this.#process = server;
    return new Promise((resolve) => {
      server.once('error', () => resolve(false));
      server.stdout.on('data', (text: Buffer) => {
        if (text.includes('Ready to accept connections')) resolve(true);
      });
    });
  }

  async stop(): Promise<void> {
    const server = this.#process;
    this.#process = undefined;
    if (server?.pid === undefined) return;
    const exited = new Promise((resolve) => server.once('exit', resolve));
    server.kill('SIGKILL');
    await exited;
  }

  /** Accepts connections and answers nothing until `thaw`. */
  async freeze(): Promise<void> {
    this.#process?.kill('SIGSTOP');
    // The signal may take effect a moment later, and a reply slip through.
    const status = `/proc/${this.#process?.pid}/status`;
    if (existsSync(status)) await until(() => readFileSync(status, 'utf8').includes('State:\tT'));
  }

  thaw(): void {
    this.#process?.kill('SIGCONT');
  }
}

async function answers(url: string): Promise<boolean> {
  const redis = new Redis(url, {
    lazyConnect: true,
    connectTimeout: 2000,
    retryStrategy: () => null,
  });
  redis.on('error', () => {});
  try {
    await redis.ping();
    return true;
  } catch {
    return false;
  } finally {
    redis.disconnect();
  }
}
