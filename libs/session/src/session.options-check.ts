import { cacheOf, type ResolvedCacheOptions } from './cache.options-check.js';
import { channelOf, type ResolvedChannelOptions } from './channel.options-check.js';
import { Clock } from './core/clock.js';
import { days, hours, minutes, seconds } from './core/duration.js';
import { SessionError } from './core/errors.js';
import { DEFAULT_MAX_DATA_BYTES } from './core/session-data.js';
import { ANONYMOUS_POLICY, DEFAULT_POLICY, type SessionSettings } from './core/session-settings.js';
import type { SessionPolicy } from './core/session-policy.js';
import { MIN_SECRET_BYTES } from './core/session-token.js';
import { invalidateOnOf } from './invalidate-on.options-check.js';
import type { InvalidatingEvent } from './invalidation/domain-event-listener.js';
import { OptionsReader } from './options-reader.js';
import type {
  SessionJobsOptions,
  SessionModuleOptions,
  SessionPrincipalOptions,
} from './session.options.js';

/** Browsers keep no cookie longer (RFC 6265bis section 5.5). */
const MAX_COOKIE_AGE_MS = days(400);

/** The options with every default filled in. */
export interface ResolvedSessionOptions extends SessionSettings {
  readonly secrets: readonly [string, ...string[]];
  readonly purge: { readonly everyMs: number; readonly budgetMs: number };
  readonly storeTimeoutMs: number;
  readonly principal:
    | (Required<Omit<SessionPrincipalOptions, 'disabled'>> &
        Pick<SessionPrincipalOptions, 'disabled'>)
    | null;
  readonly invalidateOn: readonly InvalidatingEvent[];
  readonly jobs: SessionJobsOptions;
  readonly channel: ResolvedChannelOptions;
  readonly cache: ResolvedCacheOptions | null;
  readonly metrics: 'opentelemetry' | 'none';
  readonly cookie: {
    readonly name: string;
    readonly domain: string | undefined;
    readonly path: string;
    readonly sameSite: 'lax' | 'strict' | 'none';
    readonly secure: boolean;
  };
  readonly carrier: 'cookie' | 'bearer';
  readonly trustedOrigins: readonly string[];
  readonly crossOrigin: 'refuse' | 'report';
  readonly requireCsrfToken: boolean;
  readonly clock: Clock | null;
}

/**
 * Checks the options and fills in the defaults.
 * @throws `SESSION_OPTIONS_INVALID` with every problem, one a line, as "Expected `option` to be …, got …".
 */
export function resolveSessionOptions(options: SessionModuleOptions): ResolvedSessionOptions {
  const read = new OptionsReader(options);
  const jobs = jobsOf(read);
  const channel = channelOf(read, jobs);
  const resolved: ResolvedSessionOptions = {
    secrets: secretsOf(read),
    policies: policiesOf(read),
    touchIntervalMs: read.integer('touchIntervalMs', minutes(1), { min: 0 }),
    touchFlushMs: seconds(1),
    rotationIntervalMs: read.nullable('rotationIntervalMs', null, (name) =>
      read.integer(name, 0, { min: seconds(1) }),
    ),
    rotationGraceMs: read.integer('rotationGraceMs', seconds(30), { min: 0 }),
    onReuse: read.oneOf('onReuse', 'revoke', ['revoke', 'report']),
    maxSessionsPerUser: read.nullable('maxSessionsPerUser', null, (name) =>
      read.integer(name, undefined, { min: 1 }),
    ),
    onLimit: read.oneOf('onLimit', 'revoke-oldest', ['revoke-oldest', 'refuse']),
    retentionMs: read.integer('retentionMs', days(1), { min: 0 }),
    purgeBucketMs: read.integer('purge.bucketMs', hours(1), { min: seconds(1) }),
    purge: {
      everyMs: read.integer('purge.everyMs', minutes(1), { min: seconds(1) }),
      budgetMs: read.integer('purge.budgetMs', seconds(20), { min: 100 }),
    },
    maxDataBytes: read.integer('maxDataBytes', DEFAULT_MAX_DATA_BYTES, {
      min: 0,
      max: 1024 * 1024,
    }),
    recordIp: read.boolean('recordIp', true),
    recordUserAgent: read.boolean('recordUserAgent', true),
    storeTimeoutMs: read.integer('storeTimeoutMs', seconds(2), { min: 50 }),
    principal: principalOf(read),
    invalidateOn: invalidateOnOf(read),
    jobs,
    channel,
    cache: cacheOf(read, channel),
    metrics: read.oneOf('metrics', 'none', ['opentelemetry', 'none']),
    cookie: {
      name: read.matching(
        'cookie.name',
        'id',
        /^[A-Za-z0-9_-]{1,64}$/,
        '1 to 64 letters, digits, "-" or "_"',
      ),
      domain: read.optional('cookie.domain', (name) =>
        read.matching(name, '', /^\.?[a-z0-9-]+(\.[a-z0-9-]+)*$/i, 'a domain name'),
      ),
      path: read.matching(
        'cookie.path',
        '/',
        /^\/[\x21-\x3a\x3c-\x7e]*$/,
        'a path that begins with "/"',
      ),
      sameSite: read.oneOf('cookie.sameSite', 'lax', ['lax', 'strict', 'none']),
      secure: read.boolean('cookie.secure', true),
    },
    carrier: read.oneOf('carrier', 'cookie', ['cookie', 'bearer']),
    trustedOrigins: read.list(
      'trustedOrigins',
      [],
      isOrigin,
      'an origin such as "https://app.example.org"',
    ),
    crossOrigin: read.oneOf('crossOrigin', 'refuse', ['refuse', 'report']),
    requireCsrfToken: read.boolean('requireCsrfToken', false),
    clock: read.instance('clock', Clock),
  };
  checkTogether(read, resolved);
  const problems = read.finish();
  if (problems.length > 0) {
    throw new SessionError(
      'SESSION_OPTIONS_INVALID',
      `SessionModule cannot start with these options:\n${problems.map((problem) => `  - ${problem}`).join('\n')}`,
    );
  }
  return freeze(resolved);
}

function secretsOf(read: OptionsReader): readonly [string, ...string[]] {
  const value = read.take('secret');
  const secrets: unknown[] = Array.isArray(value) ? [...(value as unknown[])] : [value];
  const long = (secret: unknown) =>
    typeof secret === 'string' && Buffer.byteLength(secret) >= MIN_SECRET_BYTES;
  if (secrets.length === 0 || !secrets.every(long)) {
    read.problem(
      `Expected \`secret\` to be a string of at least ${MIN_SECRET_BYTES} bytes, or several, got ${
        value === undefined ? 'undefined' : 'something else'
      }. Make one with: node -p "require('node:crypto').randomBytes(32).toString('base64url')"`,
    );
  }
  return secrets as [string, ...string[]];
}

function policiesOf(read: OptionsReader): Readonly<Record<string, SessionPolicy>> {
  const defaults: Record<string, SessionPolicy> = {
    [DEFAULT_POLICY]: {
      idleTimeoutMs: minutes(30),
      absoluteTimeoutMs: hours(12),
      persistent: false,
    },
    [ANONYMOUS_POLICY]: { idleTimeoutMs: hours(2), absoluteTimeoutMs: days(1), persistent: false },
  };
  const names = read.keys('policies', /^[a-z][a-z0-9_-]{0,63}$/i);
  const given = names.map((name): [string, SessionPolicy] => {
    const at = `policies.${name}`;
    const absoluteTimeoutMs = read.integer(`${at}.absoluteTimeoutMs`, undefined, {
      min: seconds(1),
    });
    return [
      name,
      {
        idleTimeoutMs: read.nullable(`${at}.idleTimeoutMs`, undefined, (path) =>
          read.integer(path, undefined, { min: seconds(1), max: absoluteTimeoutMs }),
        ),
        absoluteTimeoutMs,
        persistent: read.boolean(`${at}.persistent`, false),
      },
    ];
  });
  return { ...defaults, ...Object.fromEntries(given) };
}

function principalOf(read: OptionsReader): ResolvedSessionOptions['principal'] {
  if (!read.has('principal')) return null;
  const entity = read.take('principal.entity');
  if (typeof entity !== 'function') {
    read.problem(`Expected \`principal.entity\` to be an entity class, got ${typeof entity}`);
  }
  const disabled = read.optional('principal.disabled', (name) => read.string(name));
  return {
    entity: entity as Function,
    userId: read.has('principal.userId') ? read.string('principal.userId') : 'id',
    credentials: read.list(
      'principal.credentials',
      undefined,
      (value) => typeof value === 'string' && value !== '',
      'a property name',
    ),
    ...(disabled === undefined ? {} : { disabled }),
    trigger: read.boolean('principal.trigger', false),
  };
}

function jobsOf(read: OptionsReader): SessionJobsOptions {
  if (!read.has('jobs')) return { driver: 'in-process' };
  const driver = read.oneOf('jobs.driver', undefined, ['in-process', 'bullmq', 'none']);
  if (driver !== 'bullmq') return { driver };
  const queueName = read.matching(
    'jobs.queueName',
    'session',
    /^[^:]{1,64}$/,
    'a name without ":"',
  );
  const prefix = read.optional('jobs.prefix', (name) => read.string(name));
  return {
    driver,
    backend: read.oneOf('jobs.backend', 'redis', ['redis', 'postgres']),
    connection: read.object('jobs.connection'),
    queueName,
    ...(prefix === undefined ? {} : { prefix }),
  };
}

function checkTogether(read: OptionsReader, options: ResolvedSessionOptions): void {
  for (const [name, policy] of Object.entries(options.policies)) {
    if (policy.idleTimeoutMs !== null && options.touchIntervalMs * 2 > policy.idleTimeoutMs) {
      read.problem(
        `Expected \`touchIntervalMs\` to be at most half of \`policies.${name}.idleTimeoutMs\` (${policy.idleTimeoutMs}), got ${options.touchIntervalMs}`,
      );
    }
    if (policy.persistent && policy.absoluteTimeoutMs > MAX_COOKIE_AGE_MS) {
      read.problem(
        `Expected \`policies.${name}.absoluteTimeoutMs\` of a persistent policy to be at most ${MAX_COOKIE_AGE_MS} (400 days, the longest life of a cookie), got ${policy.absoluteTimeoutMs}`,
      );
    }
  }
  const { rotationIntervalMs, rotationGraceMs, cookie } = options;
  if (rotationIntervalMs !== null && rotationGraceMs >= rotationIntervalMs) {
    read.problem(
      `Expected \`rotationGraceMs\` to be below \`rotationIntervalMs\` (${rotationIntervalMs}), got ${rotationGraceMs}`,
    );
  }
  if (!cookie.secure && process.env['NODE_ENV'] === 'production') {
    read.problem('Expected `cookie.secure` to be true where NODE_ENV is "production", got false');
  }
  if (!cookie.secure && cookie.sameSite === 'none') {
    read.problem('Expected `cookie.secure` to be true with `cookie.sameSite: "none"`, got false');
  }
}

function isOrigin(value: unknown): boolean {
  return typeof value === 'string' && URL.canParse(value) && new URL(value).origin === value;
}

/** Freezes what this file made. The driver's connection options are the application's and stay as they are. */
function freeze(options: ResolvedSessionOptions): ResolvedSessionOptions {
  const { policies, purge, jobs, cookie, secrets, principal, trustedOrigins } = options;
  const parts = [options, policies, purge, jobs, cookie, secrets, principal, trustedOrigins];
  const lists = [principal?.credentials, options.invalidateOn, options.channel, options.cache];
  for (const part of [...parts, ...lists, ...Object.values(policies)]) {
    Object.freeze(part);
  }
  return options;
}
