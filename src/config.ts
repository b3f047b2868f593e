import { hours, minutes } from 'nestjs-curfew';

import { BootError } from './boot-error.js';
import { EnvironmentReader } from './environment-reader.js';

/** Where the recurring purge runs, and on what. */
export type JobsSetting =
  | { readonly driver: 'bullmq'; readonly backend: 'redis' | 'postgres'; readonly url: string }
  | { readonly driver: 'in-process' }
  | { readonly driver: 'none' };

/** What the environment says, complete and checked. Spans are in milliseconds. */
export interface Settings {
  readonly host: string | undefined;
  readonly port: number;
  /** Where a worker answers for its health; nowhere unless set. */
  readonly workerHealthPort: number | undefined;
  readonly httpAdapter: 'express' | 'fastify';
  /** How many proxies in front are believed about the client's address and protocol. */
  readonly trustProxy: number;
  readonly databaseUrl: string;
  readonly jobs: JobsSetting;
  readonly session: {
    readonly secrets: readonly string[];
    readonly idleTimeoutMs: number;
    readonly absoluteTimeoutMs: number;
    readonly touchIntervalMs: number;
    readonly retentionMs: number | undefined;
    readonly purgeEveryMs: number | undefined;
    readonly purgeBucketMs: number | undefined;
    readonly cookieSecure: boolean;
  };
}

const DATABASE_PROTOCOLS = ['postgres:', 'postgresql:', 'mysql:', 'mariadb:', 'sqlite:'];
const MIN_SECRET_BYTES = 32;
const MAKE_A_SECRET =
  "Make one with: node -p \"require('node:crypto').randomBytes(32).toString('base64url')\"";

/**
 * Reads the settings from the environment.
 * @throws BootError with every problem, one a line; never with a value that may be a secret.
 */
export function readSettings(environment: NodeJS.ProcessEnv): Settings {
  const read = new EnvironmentReader(environment);
  const databaseUrl = databaseUrlOf(read);
  const idleTimeoutMs = read.integer('SESSION_IDLE_TIMEOUT_MS', minutes(30), { min: 1000 });
  const settings: Settings = {
    host: read.optional('HOST'),
    port: read.integer('PORT', 3000, { min: 0, max: 65_535 }),
    workerHealthPort: read.optionalInteger('WORKER_HEALTH_PORT', { min: 0, max: 65_535 }),
    httpAdapter: read.oneOf('HTTP_ADAPTER', 'express', ['express', 'fastify']),
    trustProxy: read.integer('TRUST_PROXY', 0, { min: 0, max: 16 }),
    databaseUrl,
    jobs: jobsOf(read, databaseUrl),
    session: {
      secrets: secretsOf(read),
      idleTimeoutMs,
      absoluteTimeoutMs: read.integer('SESSION_ABSOLUTE_TIMEOUT_MS', hours(12), { min: 1000 }),
      touchIntervalMs: read.integer(
        'SESSION_TOUCH_INTERVAL_MS',
        Math.min(minutes(1), Math.floor(idleTimeoutMs / 10)),
        { min: 0 },
      ),
      retentionMs: read.optionalInteger('SESSION_RETENTION_MS', { min: 0 }),
      purgeEveryMs: read.optionalInteger('SESSION_PURGE_EVERY_MS', { min: 1000 }),
      purgeBucketMs: read.optionalInteger('SESSION_PURGE_BUCKET_MS', { min: 1000 }),
      cookieSecure: read.boolean('SESSION_COOKIE_SECURE', true),
    },
  };
  checkTogether(read, settings);
  if (read.problems.length > 0) {
    throw new BootError(
      `The app cannot start with these settings:\n${read.problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
  }
  return settings;
}

function databaseUrlOf(read: EnvironmentReader): string {
  const url = read.required(
    'DATABASE_URL',
    'postgres://, mysql://, mariadb:// or sqlite:path, as in postgres://user:password@localhost:5432/curfew',
  );
  const known = URL.canParse(url) && DATABASE_PROTOCOLS.includes(new URL(url).protocol);
  if (url !== '' && !known) {
    read.problem(
      'Expected DATABASE_URL to begin with postgres://, mysql://, mariadb:// or sqlite:',
    );
  }
  return url;
}

function jobsOf(read: EnvironmentReader, databaseUrl: string): JobsSetting {
  const redisUrl = read.optional('REDIS_URL');
  const isPostgres = /^postgres(ql)?:/.test(databaseUrl);
  if (redisUrl !== undefined && !/^rediss?:\/\/[^/]/.test(redisUrl)) {
    read.problem('Expected REDIS_URL to begin with redis:// or rediss:// and to name a host');
  }
  const driver = read.oneOf(
    'SESSION_JOBS',
    redisUrl !== undefined || isPostgres ? 'bullmq' : 'in-process',
    ['bullmq', 'in-process', 'none'],
  );
  if (driver !== 'bullmq') return { driver };
  if (redisUrl !== undefined) return { driver, backend: 'redis', url: redisUrl };
  if (!isPostgres && databaseUrl !== '') {
    read.problem(
      'Expected REDIS_URL, or a PostgreSQL DATABASE_URL, with SESSION_JOBS=bullmq, got neither',
    );
  }
  return { driver, backend: 'postgres', url: databaseUrl };
}

function secretsOf(read: EnvironmentReader): string[] {
  const value = read.optional('SESSION_SECRET');
  const secrets = (value ?? '').split(',').map((secret) => secret.trim());
  if (value === undefined) {
    read.problem(`Expected SESSION_SECRET to be set. ${MAKE_A_SECRET}`);
  } else if (secrets.some((secret) => Buffer.byteLength(secret) < MIN_SECRET_BYTES)) {
    read.problem(
      `Expected SESSION_SECRET to be a secret of at least ${MIN_SECRET_BYTES} bytes, or several with commas between, got a shorter one. ${MAKE_A_SECRET}`,
    );
  }
  return secrets;
}

function checkTogether(read: EnvironmentReader, { session }: Settings): void {
  const { idleTimeoutMs, absoluteTimeoutMs, touchIntervalMs } = session;
  if (idleTimeoutMs > absoluteTimeoutMs) {
    read.problem(
      `Expected SESSION_IDLE_TIMEOUT_MS to be at most SESSION_ABSOLUTE_TIMEOUT_MS (${absoluteTimeoutMs}), got ${idleTimeoutMs}`,
    );
  }
  if (touchIntervalMs * 2 > idleTimeoutMs) {
    read.problem(
      `Expected SESSION_TOUCH_INTERVAL_MS to be at most half of SESSION_IDLE_TIMEOUT_MS (${idleTimeoutMs}), got ${touchIntervalMs}`,
    );
  }
}
