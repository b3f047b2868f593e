import { describe, expect, it } from '@jest/globals';

import { BootError } from './boot-error.js';
import { readSettings, type Settings } from './config.js';

const SECRET = 'a secret of at least thirty-two bytes';
const minimal = { DATABASE_URL: 'postgres://localhost/curfew', SESSION_SECRET: SECRET };

const read = (environment: NodeJS.ProcessEnv = {}): Settings =>
  readSettings({ ...minimal, ...environment });

function problemsOf(environment: NodeJS.ProcessEnv): string {
  try {
    readSettings(environment);
  } catch (error) {
    expect(error).toBeInstanceOf(BootError);
    return (error as BootError).message;
  }
  throw new Error('Expected the settings to be refused');
}

describe('readSettings', () => {
  it('needs a database and a secret only', () => {
    expect(read()).toMatchObject({
      port: 3000,
      httpAdapter: 'express',
      trustProxy: 0,
      session: {
        secrets: [SECRET],
        idleTimeoutMs: 1_800_000,
        absoluteTimeoutMs: 43_200_000,
        touchIntervalMs: 60_000,
        cookieSecure: true,
      },
    });
  });

  it('takes an empty variable for one that is not set', () => {
    expect(read({ PORT: '', REDIS_URL: '' })).toEqual(read());
  });

  it('touches a tenth of the idle timeout apart where that is short', () => {
    expect(read({ SESSION_IDLE_TIMEOUT_MS: '15000' }).session.touchIntervalMs).toBe(1500);
  });

  it('reads several secrets, of which the first signs', () => {
    const secrets = [`new: ${SECRET}`, `old: ${SECRET}`];
    expect(read({ SESSION_SECRET: secrets.join(', ') }).session.secrets).toEqual(secrets);
  });

  it('lists every problem at once', () => {
    const problems = problemsOf({
      PORT: 'http',
      HTTP_ADAPTER: 'koa',
      DATABASE_URL: 'oracle://localhost/x',
      REDIS_URL: 'localhost:6379',
      SESSION_IDLE_TIMEOUT_MS: '30m',
      SESSION_TOUCH_INTERVAL_MS: '-1',
      SESSION_COOKIE_SECURE: 'yes',
      SESSION_JOBS: 'cron',
    });
    for (const name of [
      'PORT',
      'HTTP_ADAPTER',
      'DATABASE_URL',
      'REDIS_URL',
      'SESSION_SECRET',
      'SESSION_IDLE_TIMEOUT_MS',
      'SESSION_TOUCH_INTERVAL_MS',
      'SESSION_COOKIE_SECURE',
      'SESSION_JOBS',
    ]) {
      expect(problems).toMatch(new RegExp(`^ {2}- Expected ${name} `, 'm'));
    }
  });

  it('says how to make a secret where there is none', () => {
    expect(problemsOf({ ...minimal, SESSION_SECRET: undefined })).toContain('randomBytes(32)');
  });

  it('refuses a short secret without repeating it', () => {
    const problems = problemsOf({ ...minimal, SESSION_SECRET: 'hunter2' });
    expect(problems).toContain('at least 32 bytes');
    expect(problems).not.toContain('hunter2');
  });

  it('does not repeat a database URL, which holds a password', () => {
    const problems = problemsOf({ ...minimal, DATABASE_URL: 'oracle://scott:tiger@localhost/x' });
    expect(problems).not.toContain('tiger');
  });

  it('refuses timeouts that contradict each other', () => {
    const problems = problemsOf({
      ...minimal,
      SESSION_IDLE_TIMEOUT_MS: '60000',
      SESSION_ABSOLUTE_TIMEOUT_MS: '30000',
      SESSION_TOUCH_INTERVAL_MS: '40000',
    });
    expect(problems).toContain('Expected SESSION_IDLE_TIMEOUT_MS to be at most');
    expect(problems).toContain('Expected SESSION_TOUCH_INTERVAL_MS to be at most half');
  });

  it.each([
    [{}, { driver: 'bullmq', backend: 'postgres', url: minimal.DATABASE_URL }],
    [
      { REDIS_URL: 'redis://localhost' },
      { driver: 'bullmq', backend: 'redis', url: 'redis://localhost' },
    ],
    [{ DATABASE_URL: 'sqlite:x.db' }, { driver: 'in-process' }],
    [
      { DATABASE_URL: 'mysql://localhost/x', REDIS_URL: 'rediss://host' },
      { driver: 'bullmq', backend: 'redis', url: 'rediss://host' },
    ],
    [{ SESSION_JOBS: 'none', REDIS_URL: 'redis://localhost' }, { driver: 'none' }],
  ])('chooses where jobs run: %j', (environment, jobs) => {
    expect(read(environment).jobs).toEqual(jobs);
  });

  it('refuses BullMQ where there is nothing to run it on', () => {
    const environment = { ...minimal, DATABASE_URL: 'sqlite:x.db', SESSION_JOBS: 'bullmq' };
    expect(problemsOf(environment)).toContain('Expected REDIS_URL, or a PostgreSQL DATABASE_URL');
  });
});
