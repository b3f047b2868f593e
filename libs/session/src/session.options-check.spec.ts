import { afterEach, describe, expect, it } from '@jest/globals';

import { days, hours, minutes, seconds } from './core/duration.js';
import { isSessionError } from './core/errors.js';
import { resolveSessionOptions } from './session.options-check.js';
import type { SessionModuleOptions } from './session.options.js';
import { FakeClock } from './testing/fake-clock.js';

const secret = 's'.repeat(32);

class User {
  passwordHash = '';
}

/** The message of the refusal; the options may be of any wrong type. */
function refusal(options: object): string {
  try {
    resolveSessionOptions({ secret, ...options });
  } catch (error) {
    if (isSessionError(error, 'SESSION_OPTIONS_INVALID')) return error.message;
    throw error;
  }
  throw new Error('Expected the options to be refused');
}

const problemsOf = (options: object): string[] => refusal(options).split('\n  - ').slice(1);

describe('resolveSessionOptions', () => {
  it('fills in every default', () => {
    expect(resolveSessionOptions({ secret })).toEqual({
      secrets: [secret],
      policies: {
        default: { idleTimeoutMs: minutes(30), absoluteTimeoutMs: hours(12), persistent: false },
        anonymous: { idleTimeoutMs: hours(2), absoluteTimeoutMs: days(1), persistent: false },
      },
      touchIntervalMs: minutes(1),
      touchFlushMs: seconds(1),
      rotationIntervalMs: null,
      rotationGraceMs: seconds(30),
      onReuse: 'revoke',
      maxSessionsPerUser: null,
      onLimit: 'revoke-oldest',
      retentionMs: days(1),
      purgeBucketMs: hours(1),
      purge: { everyMs: minutes(1), budgetMs: seconds(20) },
      maxDataBytes: 65_536,
      recordIp: true,
      recordUserAgent: true,
      storeTimeoutMs: seconds(2),
      principal: null,
      invalidateOn: [],
      jobs: { driver: 'in-process' },
      cache: null,
      metrics: 'none',
      channel: { driver: 'none' },
      cookie: { name: 'id', domain: undefined, path: '/', sameSite: 'lax', secure: true },
      carrier: 'cookie',
      trustedOrigins: [],
      crossOrigin: 'refuse',
      requireCsrfToken: false,
      clock: null,
    });
  });

  it('takes what is given', () => {
    const clock = new FakeClock();
    const given: SessionModuleOptions = {
      secret: [secret, 'o'.repeat(40)],
      policies: {
        remembered: { idleTimeoutMs: null, absoluteTimeoutMs: days(90), persistent: true },
      },
      touchIntervalMs: 0,
      rotationIntervalMs: minutes(10),
      principal: {
        entity: User,
        userId: 'uuid',
        credentials: ['passwordHash'],
        disabled: 'bannedAt',
      },
      jobs: { driver: 'bullmq', connection: { url: 'redis://host' }, prefix: 'app' },
      cookie: { domain: 'example.org', sameSite: 'strict', path: '/app' },
      trustedOrigins: ['https://app.example.org', 'http://localhost:3000'],
      clock,
    };
    expect(resolveSessionOptions(given)).toMatchObject({
      secrets: given.secret,
      policies: {
        default: { idleTimeoutMs: minutes(30) },
        remembered: { idleTimeoutMs: null, persistent: true },
      },
      touchIntervalMs: 0,
      rotationIntervalMs: minutes(10),
      principal: { ...given.principal, trigger: false },
      jobs: { ...given.jobs, backend: 'redis', queueName: 'session' },
      cookie: { name: 'id', ...given.cookie },
      trustedOrigins: given.trustedOrigins,
      clock,
    });
  });

  it('takes the id of the principal for its user id unless told otherwise', () => {
    const principal = { entity: User, credentials: ['passwordHash'] };
    expect(resolveSessionOptions({ secret, principal }).principal).toEqual({
      ...principal,
      userId: 'id',
      trigger: false,
    });
  });

  it.each([0, -1, 1.5, '3', Infinity])('refuses %p as a limit of sessions', (limit) => {
    expect(problemsOf({ maxSessionsPerUser: limit })).toEqual([
      expect.stringContaining('Expected `maxSessionsPerUser` to be an integer >= 1, got'),
    ]);
  });

  it('takes a limit of sessions, and null for none', () => {
    const limited = resolveSessionOptions({ secret, maxSessionsPerUser: 1, onLimit: 'refuse' });
    expect(limited).toMatchObject({ maxSessionsPerUser: 1, onLimit: 'refuse' });
    expect(resolveSessionOptions({ secret, maxSessionsPerUser: null })).toMatchObject({
      maxSessionsPerUser: null,
    });
  });

  it('adds to the built-in policies, and replaces the one of the same name whole', () => {
    const policies = { default: { idleTimeoutMs: null, absoluteTimeoutMs: days(1) } };
    expect(resolveSessionOptions({ secret, policies }).policies).toEqual({
      default: { idleTimeoutMs: null, absoluteTimeoutMs: days(1), persistent: false },
      anonymous: { idleTimeoutMs: hours(2), absoluteTimeoutMs: days(1), persistent: false },
    });
    expect(() => resolveSessionOptions({ secret, policies: {} })).not.toThrow();
  });

  it('names every problem at once', () => {
    const problems = problemsOf({
      secret: 'short',
      policies: { default: { idleTimeoutMs: '30m', absoluteTimeoutMs: 0 } },
      touchIntervalMs: -1,
      onReuse: 'ignore',
      cookie: { name: 'a b', colour: 'red' },
      unknown: 1,
    });
    expect(problems).toEqual([
      expect.stringContaining('Expected `secret` to be a string of at least 32 bytes'),
      'Expected `policies.default.absoluteTimeoutMs` to be an integer >= 1000, got 0 (number)',
      'Expected `policies.default.idleTimeoutMs` to be an integer >= 1000, got "30m" (string)',
      'Expected `touchIntervalMs` to be an integer >= 0, got -1 (number)',
      'Expected `onReuse` to be "revoke" or "report", got "ignore" (string)',
      'Expected `cookie.name` to be 1 to 64 letters, digits, "-" or "_", got "a b" (string)',
      'Expected no option `cookie.colour`: there is none of that name',
      'Expected no option `unknown`: there is none of that name',
    ]);
  });

  it.each([
    ['no secret', { secret: undefined }, 'secret'],
    ['an empty key ring', { secret: [] }, 'secret'],
    ['a short secret', { secret: 'x'.repeat(31) }, 'secret'],
    ['a short secret on the ring', { secret: [secret, 'short'] }, 'secret'],
    ['a secret that is no string', { secret: Buffer.alloc(32) }, 'secret'],
    ['a policy without deadlines', { policies: { web: {} } }, 'policies.web.absoluteTimeoutMs'],
    [
      'an idle timeout above the absolute one',
      { policies: { web: { idleTimeoutMs: 2001, absoluteTimeoutMs: 2000 } }, touchIntervalMs: 0 },
      'policies.web.idleTimeoutMs',
    ],
    ['policies that are no object', { policies: 'web' }, 'policies'],
    [
      'a policy with a name that is none',
      { policies: { '1 web': { idleTimeoutMs: null, absoluteTimeoutMs: hours(1) } } },
      'policies',
    ],
    [
      'a touch interval above half the idle timeout',
      { touchIntervalMs: minutes(16) },
      'touchIntervalMs',
    ],
    ['a rotation interval below a second', { rotationIntervalMs: 999 }, 'rotationIntervalMs'],
    [
      'a grace as long as the rotation interval',
      { rotationIntervalMs: seconds(30), rotationGraceMs: seconds(30) },
      'rotationGraceMs',
    ],
    ['a fraction of a millisecond', { retentionMs: 0.5 }, 'retentionMs'],
    ['a bucket below a second', { purge: { bucketMs: 10 } }, 'purge.bucketMs'],
    ['a purge that never rests', { purge: { everyMs: 0 } }, 'purge.everyMs'],
    ['a purge without time', { purge: { budgetMs: 1 } }, 'purge.budgetMs'],
    ['data above a mebibyte', { maxDataBytes: 1024 * 1024 + 1 }, 'maxDataBytes'],
    ['a store without time', { storeTimeoutMs: 49 }, 'storeTimeoutMs'],
    ['a principal without an entity', { principal: { credentials: [] } }, 'principal.entity'],
    ['a principal without credentials', { principal: { entity: User } }, 'principal.credentials'],
    [
      'a credential that is no name',
      { principal: { entity: User, credentials: [''] } },
      'principal.credentials',
    ],
    [
      'a trigger that is neither there nor not',
      { principal: { entity: User, credentials: ['a'], trigger: 'yes' } },
      'principal.trigger',
    ],
    ['an unknown driver', { jobs: { driver: 'kafka' } }, 'jobs.driver'],
    ['a queue without a connection', { jobs: { driver: 'bullmq' } }, 'jobs.connection'],
    [
      'a queue whose name has a colon',
      { jobs: { driver: 'bullmq', connection: {}, queueName: 'a:b' } },
      'jobs.queueName',
    ],
    [
      'a connection for a driver that has none',
      { jobs: { driver: 'none', connection: {} } },
      'jobs.connection',
    ],
    ['a domain with a port', { cookie: { domain: 'example.org:80' } }, 'cookie.domain'],
    ['a path with an attribute', { cookie: { path: '/; Domain=evil.example' } }, 'cookie.path'],
    [
      'a cross-site cookie in the clear',
      { cookie: { secure: false, sameSite: 'none' } },
      'cookie.secure',
    ],
    ['an origin with a path', { trustedOrigins: ['https://app.example.org/'] }, 'trustedOrigins'],
    ['the origin null', { trustedOrigins: ['null'] }, 'trustedOrigins'],
    ['a wildcard origin', { trustedOrigins: ['*'] }, 'trustedOrigins'],
    ['an unknown carrier', { carrier: 'query' }, 'carrier'],
    ['a clock that is none', { clock: { now: () => 0 } }, 'clock'],
  ])('refuses %s, with one problem for one mistake', (_, options, name) => {
    const named = problemsOf(options).filter((problem) => problem.includes(`\`${name}\``));
    expect(named).toHaveLength(1);
  });

  it('refuses a persistent policy that outlives every cookie', () => {
    const policy = { idleTimeoutMs: null, absoluteTimeoutMs: days(401) };
    expect(problemsOf({ policies: { forever: { ...policy, persistent: true } } })).toEqual([
      expect.stringContaining('`policies.forever.absoluteTimeoutMs` of a persistent policy'),
    ]);
    expect(() => resolveSessionOptions({ secret, policies: { forever: policy } })).not.toThrow();
  });

  it('repeats neither secrets nor connections in the message', () => {
    const message = refusal({
      secret: ['hunter2'],
      secrets: 'hunter2',
      jobs: { driver: 'bullmq', connection: 'redis://user:hunter2@host' },
      principal: 'hunter2',
    });
    expect(message).not.toContain('hunter2');
  });

  it('freezes what it returns, and neither the lists nor the connection of the application', () => {
    const given = {
      secret: [secret],
      trustedOrigins: ['https://app.example.org'],
      principal: { entity: User, credentials: ['passwordHash'] },
      jobs: { driver: 'bullmq', connection: { url: 'redis://host' } },
    } as const satisfies SessionModuleOptions;
    const resolved = resolveSessionOptions(given);
    const { policies, secrets, cookie, purge, principal, trustedOrigins, jobs } = resolved;
    const parts = [
      resolved,
      policies,
      policies['default'],
      secrets,
      cookie,
      purge,
      principal,
      jobs,
    ];
    for (const part of [...parts, principal?.credentials, trustedOrigins]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
    const { secret: ring, trustedOrigins: origins } = given;
    for (const own of [given, ring, origins, given.principal.credentials, given.jobs.connection]) {
      expect(Object.isFrozen(own)).toBe(false);
    }
  });

  describe('in production', () => {
    const before = process.env['NODE_ENV'];

    afterEach(() => {
      if (before === undefined) delete process.env['NODE_ENV'];
      else process.env['NODE_ENV'] = before;
    });

    it('refuses a cookie in the clear', () => {
      process.env['NODE_ENV'] = 'production';
      expect(problemsOf({ cookie: { secure: false } })).toEqual([
        'Expected `cookie.secure` to be true where NODE_ENV is "production", got false',
      ]);
      process.env['NODE_ENV'] = 'development';
      expect(resolveSessionOptions({ secret, cookie: { secure: false } }).cookie.secure).toBe(
        false,
      );
    });
  });
});
