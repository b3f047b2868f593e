import type { PurgeTiming } from '../core/session-policy.js';
import { EVERYONE } from '../core/user-id.js';
import type { Dialect } from './dialect/dialect.js';
import type { SessionPrincipalEntity } from './session-principal.entity.js';
import type { TableNames } from './session-tables.js';
import type { SessionEntity } from './session.entity.js';
import { compile, join, Parameter, sql, type Sql, type SqlPart, type Statement } from './sql.js';

type SessionProperty = keyof SessionEntity;

const SESSION_PROPERTIES = [
  'id',
  'userId',
  'policy',
  'persistent',
  'generation',
  'rotatedAt',
  'epoch',
  'createdAt',
  'lastSeenAt',
  'authenticatedAt',
  'aal',
  'amr',
  'idleTimeoutMs',
  'idleExpiresAt',
  'expiresAt',
  'revokedAt',
  'revokeReason',
  'ip',
  'userAgent',
  'version',
] as const satisfies readonly SessionProperty[];

export interface SessionSqlParts {
  readonly dialect: Dialect;
  readonly sessions: TableNames<SessionProperty>;
  readonly principals: TableNames<keyof SessionPrincipalEntity>;
  readonly timing: PurgeTiming;
  /** Whether statements are given the time, as parameter `now`, instead of asking the database for it. */
  readonly hasClock: boolean;
  readonly escape: (name: string) => string;
}

/** The phrases that the statements on sessions share. In all of them `s` is the session's row. */
export class SessionSql {
  readonly dialect: Dialect;
  /** Table paths. */
  readonly sessions: string;
  readonly principals: string;
  /** Column names, bare. */
  readonly column: Readonly<Record<SessionProperty, string>>;
  readonly principal: Readonly<Record<keyof SessionPrincipalEntity, string>>;
  readonly now: Sql;
  readonly #timing: PurgeTiming;
  readonly #escape: (name: string) => string;

  constructor({ dialect, sessions, principals, timing, hasClock, escape }: SessionSqlParts) {
    this.dialect = dialect;
    this.sessions = sessions.path;
    this.principals = principals.path;
    this.column = sessions.columns;
    this.principal = principals.columns;
    this.now = hasClock ? sql`${new Parameter('now', 'integer')}` : sql`${dialect.now}`;
    this.#timing = timing;
    this.#escape = escape;
  }

  compile(statement: Sql): Statement {
    return compile(statement, (type, position) => this.dialect.placeholder(type, position));
  }

  /** A column of the session's row. */
  s(property: SessionProperty): string {
    return `s.${this.column[property]}`;
  }

  /** `expression as "name"`, in the case in which it is written. */
  as(expression: Sql | string, name: string): Sql {
    return sql`${expression} as ${this.#escape(name)}`;
  }

  /** The beginning of an UPDATE of rows that are named by their keys. */
  get updateByKey(): Sql {
    return sql`update ${this.sessions} as s ${this.dialect.byPrimaryKey} set`;
  }

  /** What `sessionOf` reads. */
  get sessionColumns(): Sql {
    return join(
      SESSION_PROPERTIES.map((property) => this.as(this.s(property), property)),
      ', ',
    );
  }

  /** What `endedSessionOf` reads, without an alias of the table. */
  get endedColumns(): Sql {
    return sql`${this.as(this.column.id, 'id')}, ${this.as(this.column.userId, 'userId')}`;
  }

  /** The sum of the epochs that count for a user's sessions; for those without a user, everyone's. */
  requiredEpochOf(user: SqlPart): Sql {
    const { userId, epoch } = this.principal;
    const epochOf = (id: SqlPart) =>
      sql`coalesce((select p.${epoch} from ${this.principals} p where p.${userId} = ${id}), 0)`;
    return sql`(${epochOf(user)} + ${epochOf(`'${EVERYONE}'`)})`;
  }

  get requiredEpoch(): Sql {
    return this.requiredEpochOf(this.s('userId'));
  }

  /** The clock, read once and not for each row again: worth its plan where rows are many. */
  get nowOnce(): Sql {
    return sql`(select ${this.now})`;
  }

  /** Neither revoked nor expired: live, unless an epoch has ended it. */
  isNeitherRevokedNorExpired(now = this.now): Sql {
    const idle = this.s('idleExpiresAt');
    return sql`${this.s('revokedAt')} is null and ${this.s('expiresAt')} > ${now}
      and (${idle} is null or ${idle} > ${now})`;
  }

  isLive(now = this.now): Sql {
    return sql`${this.isNeitherRevokedNorExpired(now)} and ${this.s('epoch')} >= ${this.requiredEpoch}`;
  }

  /** The earlier of two deadlines, of which the idle one may be null. */
  earliestDeadline(idleExpiresAt: Sql, expiresAt: Sql): Sql {
    return this.dialect.least(sql`coalesce(${idleExpiresAt}, ${expiresAt})`, expiresAt);
  }

  /** `purgeAt` of core/session-policy.ts, in SQL. */
  purgeAt(endsAt: Sql): Sql {
    const { purgeBucketMs, retentionMs } = this.#timing;
    const buckets = this.dialect.divide(sql`${endsAt} + ${purgeBucketMs - 1}`, purgeBucketMs);
    return sql`((${buckets}) * ${purgeBucketMs} + ${retentionMs})`;
  }
}
