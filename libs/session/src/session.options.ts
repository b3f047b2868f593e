import type { Clock } from './core/clock.js';
import type { LimitReaction, ReuseReaction } from './core/session-settings.js';
import type { RevokeReason } from './core/session.js';

/** How long sessions of one kind live. */
export interface SessionPolicyOptions {
  /** Longest silence in milliseconds, 1,000 or more and not above `absoluteTimeoutMs`; `null` for no idle timeout. */
  readonly idleTimeoutMs: number | null;
  /** Longest life in milliseconds, 1,000 or more. Activity and rotation never extend it (ASVS 7.3.2). */
  readonly absoluteTimeoutMs: number;
  /**
   * Whether the cookie outlives the browser. NIST SP 800-63B-4 section 5.1 advises against it.
   * @defaultValue false
   */
  readonly persistent?: boolean;
}

/** The entity whose rows are your users, so that a changed password ends their sessions. */
export interface SessionPrincipalOptions {
  /** The TypeORM entity class. */
  readonly entity: Function;
  /** The property that `signIn(userId)` is given, as text. @defaultValue 'id' */
  readonly userId?: string;
  /** Properties that prove who the user is. A change of one ends the user's other sessions, in the same transaction. */
  readonly credentials: readonly string[];
  /** A property that is null or false while the user may sign in. Setting it ends all sessions of the user. */
  readonly disabled?: string;
  /**
   * Whether `installCredentialTrigger` of `nestjs-curfew/migrations` has put a trigger on the users' table, so that every
   * change ends sessions, whoever writes it: updates by criteria, upserts, SQL of any program. They are then allowed. An
   * application whose database has no such trigger, or an older one, does not start: `SESSION_TRIGGER_MISSING`.
   * @defaultValue false
   */
  readonly trigger?: boolean;
}

/** An event of the application's own that ends all sessions of a user. */
export interface InvalidatingEventOptions {
  /** The name under which the application emits it. */
  readonly event: string;
  /** Finds the user's id in what is emitted with the event. @defaultValue its property `userId` */
  userId?(payload: unknown): string | number | bigint;
  /** Why the sessions end: 1 to 64 characters of `a-z`, `0-9`, `.`, `_` and `-`. @defaultValue 'revoked' */
  readonly reason?: RevokeReason;
}

/** The session cookie. */
export interface SessionCookieOptions {
  /**
   * Name without prefix. The prefix follows from the rest: `__Host-Http-` by default, `__Secure-` with a `domain`
   * or another `path`, none where `secure` is false.
   * @defaultValue 'id'
   */
  readonly name?: string;
  /** Share the cookie with subdomains. Gives up the protection of `__Host-`. @defaultValue none: this host only */
  readonly domain?: string;
  /** @defaultValue '/' */
  readonly path?: string;
  /** `none` sends the cookie with cross-site requests; it needs `secure`. @defaultValue 'lax' */
  readonly sameSite?: 'lax' | 'strict' | 'none';
  /** `false` is for development over plain HTTP, and refused where `NODE_ENV` is `production`. @defaultValue true */
  readonly secure?: boolean;
}

/** Where the recurring purge and the marking of revoked rows run. */
export type SessionJobsOptions = InProcessJobsOptions | BullmqJobsOptions | NoJobsOptions;

/** In this process, on `@nestjs/schedule`: for one node, development and tests. */
export interface InProcessJobsOptions {
  readonly driver: 'in-process';
}

/** In worker processes (`SessionWorkerModule`), on a BullMQ queue. */
export interface BullmqJobsOptions {
  readonly driver: 'bullmq';
  /** `redis` needs `ioredis`; `postgres` runs the same queue in PostgreSQL and needs `pg`. @defaultValue 'redis' */
  readonly backend?: 'redis' | 'postgres';
  /** For Redis: a URL and any ioredis option. For Postgres: a URL and any option of `pg.Pool`. */
  readonly connection: { readonly url?: string } & Readonly<Record<string, unknown>>;
  /** Name of the queue, without `:`. @defaultValue 'session' */
  readonly queueName?: string;
  /** BullMQ's key prefix in Redis, or its schema in Postgres. @defaultValue BullMQ's own */
  readonly prefix?: string;
}

/** Nowhere: for a process that neither purges nor enqueues. Something else must, or ended rows stay. */
export interface NoJobsOptions {
  readonly driver: 'none';
}

/** How one process tells the others to look again, so that what is open or kept in memory ends with its session. */
export type SessionChannelOptions = ServerChannelOptions | NoChannelOptions;

/** Over a server: Redis's publish and subscribe, or PostgreSQL's LISTEN and NOTIFY. */
export interface ServerChannelOptions {
  /** `redis` needs `ioredis`, `postgres` needs `pg`. */
  readonly driver: 'redis' | 'postgres';
  /**
   * For Redis: a URL and any ioredis option. For Postgres: a URL and any option of `pg.Client`, straight to the server and
   * not through a pooler of transactions.
   */
  readonly connection: { readonly url?: string } & Readonly<Record<string, unknown>>;
  /**
   * Processes with the same prefix hear each other: 1 to 48 letters, digits, `_`, `:`, `.` and `-`.
   * @defaultValue that of the queue, and the queue's name
   */
  readonly prefix?: string;
}

/** One process tells itself only. The others look for themselves now and then. */
export interface NoChannelOptions {
  readonly driver: 'none';
}

/** What a process keeps of the sessions that it has read. */
export interface SessionCacheOptions {
  /** Most sessions, 1 to 1,000,000; those used longest ago go first. @defaultValue 10,000 */
  readonly maxEntries?: number;
  /** How long one may be used without asking the database, in milliseconds, 1 to 3,000. @defaultValue 3,000 */
  readonly ttlMs?: number;
}

/** What the recurring purge does. */
export interface SessionPurgeOptions {
  /** Pause between two runs, in milliseconds, 1,000 or more. @defaultValue 60,000 */
  readonly everyMs?: number;
  /** Longest run, in milliseconds, 100 or more; what is left waits for the next. @defaultValue 20,000 */
  readonly budgetMs?: number;
  /**
   * Rows become due in steps of this many milliseconds, 1,000 or more, so that activity seldom moves the only expiry
   * index. Ten touch intervals or more keep touches cheap. @defaultValue 3,600,000
   */
  readonly bucketMs?: number;
}

/** The options of `SessionModule` and `SessionWorkerModule`. Checked at boot, all problems at once, then frozen. */
export interface SessionModuleOptions {
  /**
   * The key ring that seals tokens: one secret of at least 32 bytes, or several: the first signs, all verify. Rotate by
   * putting a new one in front, and drop the old one after the longest absolute timeout.
   */
  readonly secret: string | readonly string[];
  /**
   * Named policies. `default` is that of a sign-in that names none, `anonymous` that of a session without a user.
   * @defaultValue default: 30 minutes idle, 12 hours in all; anonymous: 2 hours idle, 1 day in all
   */
  readonly policies?: Readonly<Record<string, SessionPolicyOptions>>;
  /** Least time between two writes of a session's activity, in milliseconds, below half of every idle timeout. @defaultValue 60,000 */
  readonly touchIntervalMs?: number;
  /** Age at which a token is replaced by its successor, in milliseconds; `null` for never. @defaultValue null */
  readonly rotationIntervalMs?: number | null;
  /** How long the replaced token still works, for requests under way, in milliseconds. @defaultValue 30,000 */
  readonly rotationGraceMs?: number;
  /** What a replaced token does after the grace: end the session, or only raise the event. @defaultValue 'revoke' */
  readonly onReuse?: ReuseReaction;
  /** How long an ended row is kept so that the next refusal can say why, in milliseconds. @defaultValue 86,400,000 */
  readonly retentionMs?: number;
  readonly purge?: SessionPurgeOptions;
  /** Largest size of a session's data, in bytes of JSON, up to 1 MiB. @defaultValue 65,536 */
  readonly maxDataBytes?: number;
  /** Whether to record the client's address. @defaultValue true */
  readonly recordIp?: boolean;
  /** Whether to record the client's `User-Agent`. @defaultValue true */
  readonly recordUserAgent?: boolean;
  /** Deadline of every call to the database, in milliseconds, 50 or more; then 503. @defaultValue 2,000 */
  readonly storeTimeoutMs?: number;
  /**
   * Most live sessions that a user may have at once, 1 or more; `null` for any number. Holds however many sign-ins run at
   * once, which for one user then go one after another (ASVS 7.1.2). @defaultValue null
   */
  readonly maxSessionsPerUser?: number | null;
  /**
   * What a sign-in beyond `maxSessionsPerUser` meets: the user's oldest session ends for it, with the reason
   * `limit-reached`, or it is refused with 409. @defaultValue 'revoke-oldest'
   */
  readonly onLimit?: LimitReaction;
  readonly principal?: SessionPrincipalOptions;
  /**
   * Events of `@nestjs/event-emitter` that end all sessions of the user whom they name. A string is an event with a
   * property `userId`. An event is no promise: what must not fail belongs in `principal`, or into the transaction of the
   * change by `revokeAllForUser(userId, { manager })`. @defaultValue []
   */
  readonly invalidateOn?: readonly (string | InvalidatingEventOptions)[];
  /** @defaultValue { driver: 'in-process' } */
  readonly jobs?: SessionJobsOptions;
  /**
   * `opentelemetry` records metrics through the global meter provider of `@opentelemetry/api`, 1.9 or newer. The channels
   * of `node:diagnostics_channel` that they come from are there either way. @defaultValue 'none'
   */
  readonly metrics?: 'opentelemetry' | 'none';
  /**
   * How processes tell each other of ended sessions at once. Nothing on the request path waits for it, and no session
   * lives longer without it. @defaultValue that of the queue's server with `jobs.driver: 'bullmq'`, else none
   */
  readonly channel?: SessionChannelOptions;
  /**
   * Whether requests may be answered by what this process read of their session a moment ago. Needs `channel`. A session that
   * was ended by another process is accepted for `cache.ttlMs` at most, and normally for milliseconds.
   * @defaultValue none: every request reads the database
   */
  readonly cache?: SessionCacheOptions;
  readonly cookie?: SessionCookieOptions;
  /** `bearer` reads `Authorization: Bearer` instead of the cookie, and sets none. @defaultValue 'cookie' */
  readonly carrier?: 'cookie' | 'bearer';
  /** Origins beside the application's own that may send unsafe requests, such as `https://app.example.org`. @defaultValue [] */
  readonly trustedOrigins?: readonly string[];
  /** What an unsafe request from another origin meets: 403, or only an event. @defaultValue 'refuse' */
  readonly crossOrigin?: 'refuse' | 'report';
  /**
   * Whether unsafe requests of a session must also carry `RequestSession.csrfToken`, in the header `X-CSRF-Token` or the
   * field `_csrf` of the body. The check of the origin needs no token; the wording of NIST SP 800-63B-4 section 5.1 does.
   * @defaultValue false
   */
  readonly requireCsrfToken?: boolean;
  /** Replaces the database's clock. For tests. @defaultValue the database's clock */
  readonly clock?: Clock;
}

/** Decided when the module is imported, before any options are known. */
export interface SessionModuleExtras {
  /** Whether the module's providers are visible everywhere. @defaultValue true */
  readonly isGlobal?: boolean;
  /** Whether every route needs a session unless it says otherwise. `false`: only routes with `@RequireSession()`. @defaultValue true */
  readonly globalGuard?: boolean;
  /** Name of the TypeORM data source. @defaultValue 'default' */
  readonly dataSource?: string;
}
