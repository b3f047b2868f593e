import type { SessionChange } from '../../core/session-store.js';
import { words } from '../column-transformers.js';
import type { Assignment } from '../dialect/dialect.js';
import { assign } from '../dialect/standard-sql.js';
import type { SessionSql } from '../session-sql.js';
import { join, Parameter, sql, type ParameterType, type Sql, type Statement } from '../sql.js';

/** One conditional UPDATE of one live session, with the parts of the change that are present. */
export class UpdateStatement {
  readonly statement: Statement;
  readonly values: Record<string, unknown> = {};
  readonly #on: SessionSql;
  readonly #assignments: Assignment[] = [];
  readonly #conditions: Sql[] = [];

  constructor(on: SessionSql, id: string, change: SessionChange) {
    this.#on = on;
    this.#conditions.push(sql`${on.s('id')} = ${this.#bind('id', 'id', id)}`, on.isLive());
    this.#writeData(change);
    this.#rotate(change);
    this.#moveDeadlines(change);
    this.#authenticate(change);
    // A change without a part still tells whether the session is live.
    if (this.#assignments.length === 0)
      this.#assignments.push([on.column.version, on.s('version')]);
    this.statement = on.compile(sql`${on.updateByKey} ${assign(this.#assignments)}
      where ${join(this.#conditions, ' and ')}`);
  }

  #writeData({ data, ifVersion }: SessionChange): void {
    const { column, dialect } = this.#on;
    const version = this.#on.s('version');
    if (ifVersion !== undefined) {
      this.#conditions.push(sql`${version} = ${this.#bind('ifVersion', 'integer', ifVersion)}`);
    }
    if (data === undefined) return;
    const { expression, values } = dialect.patch(this.#on.s('data'), data);
    Object.assign(this.values, values);
    this.#assignments.push([column.data, expression], [column.version, `${version} + 1`]);
  }

  #rotate({ rotate }: SessionChange): void {
    if (rotate === undefined) return;
    const { column, now } = this.#on;
    const from = this.#bind('fromGeneration', 'integer', rotate.fromGeneration);
    const fromHash = this.#bind('fromTokenHash', 'text', rotate.fromTokenHash);
    this.#conditions.push(
      sql`${this.#on.s('generation')} = ${from} and ${this.#on.s('tokenHash')} = ${fromHash}`,
    );
    this.#assignments.push(
      [column.generation, sql`${from} + 1`],
      [column.tokenHash, this.#bind('tokenHash', 'text', rotate.tokenHash)],
      [column.rotatedAt, now],
    );
  }

  #moveDeadlines({ idleTimeoutMs, expiresAt, persistent }: SessionChange): void {
    const { column, now } = this.#on;
    if (persistent !== undefined) {
      this.#assignments.push([column.persistent, this.#bind('persistent', 'boolean', persistent)]);
    }
    if (idleTimeoutMs === undefined && expiresAt === undefined) return;
    // Each deadline as it will be. To read the column is no way: MySQL shows what was just assigned to it.
    let idleEnd = sql`${this.#on.s('idleExpiresAt')}`;
    let absoluteEnd = sql`${this.#on.s('expiresAt')}`;
    if (idleTimeoutMs !== undefined) {
      const idle = this.#bind('idleTimeoutMs', 'integer', idleTimeoutMs);
      idleEnd = sql`${now} + ${idle}`;
      this.#assignments.push([column.idleTimeoutMs, idle], [column.idleExpiresAt, idleEnd]);
    }
    if (expiresAt !== undefined) {
      absoluteEnd = sql`${this.#bind('expiresAt', 'integer', expiresAt)}`;
      this.#assignments.push([column.expiresAt, absoluteEnd]);
    }
    const endsAt = this.#on.earliestDeadline(idleEnd, absoluteEnd);
    this.#assignments.push([column.purgeAt, this.#on.purgeAt(endsAt)]);
  }

  #authenticate({ authenticated }: SessionChange): void {
    if (authenticated === undefined) return;
    const { column, now } = this.#on;
    this.#assignments.push(
      [column.authenticatedAt, now],
      [column.aal, this.#bind('aal', 'integer', authenticated.aal)],
      [column.amr, this.#bind('amr', 'text', words.to(authenticated.amr))],
    );
  }

  #bind(name: string, type: ParameterType, value: unknown): Parameter {
    this.values[name] = value;
    return new Parameter(name, type);
  }
}
