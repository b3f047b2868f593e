import type { DataSource, EntityManager, QueryRunner } from 'typeorm';

import type { Clock } from '../core/clock.js';
import { SessionError } from '../core/errors.js';
import type { SessionEvents } from '../core/session-events.js';
import type { PurgeTiming } from '../core/session-policy.js';
import type { TransactionManager } from '../core/session-store.js';
import type { SessionRecord } from '../core/session.js';
import { BorrowedConnection, PooledConnections, SingleConnection } from './connections.js';
import { credentialCondition } from './credential-proof.js';
import { dialectOf } from './dialect/dialect-of.js';
import { EpochSweeper } from './epoch-sweeper.js';
import { LeasedRunner } from './leased-runner.js';
import { LookupBatcher } from './lookup-batcher.js';
import { OutageWatch } from './outage-watch.js';
import { PooledRunner } from './pooled-runner.js';
import type { PrincipalEntity } from './principal-columns.js';
import { isSessionId } from '../core/session-id.js';
import { SessionSql } from './session-sql.js';
import { sessionStatements } from './session-statements.js';
import { principalTable, sessionTable } from './session-tables.js';
import { SqlSessionStore } from './sql-session-store.js';
import type { RunnerSettings, StatementRunner } from './statement-runner.js';
import { TransactionWatch } from './transaction-watch.js';

export interface TypeOrmSessionStoreOptions extends PurgeTiming {
  /** Longest statement in milliseconds. Those of the purge, the sweep and the statistics have 10 seconds. */
  readonly storeTimeoutMs: number;
  /** Replaces the database's clock. */
  readonly clock: Clock | null;
  /** The users, so that a sign-in can be checked against their credential. */
  readonly principal: PrincipalEntity | null;
}

/**
 * The store over a TypeORM data source: PostgreSQL, MySQL, MariaDB or SQLite. The data source is connected, and knows
 * `SessionEntity` and `SessionPrincipalEntity`.
 */
export class TypeOrmSessionStore extends SqlSessionStore {
  readonly #lookups = new LookupBatcher((ids) => this.findAll(ids));

  /**
   * @param events where an outage and its end are announced; nowhere unless given
   * @throws `SESSION_DATABASE_UNSUPPORTED`, `SESSION_OPTIONS_INVALID`
   */
  constructor(
    dataSource: DataSource,
    options: TypeOrmSessionStoreOptions,
    events: SessionEvents | null = null,
  ) {
    const { storeTimeoutMs, clock, principal, ...timing } = options;
    const dialect = dialectOf(dataSource);
    const on = new SessionSql({
      dialect,
      sessions: sessionTable(dataSource),
      principals: principalTable(dataSource),
      timing,
      hasClock: clock !== null,
      escape: (name) => dataSource.driver.escape(name),
    });
    const proof = principal && credentialCondition(dataSource, dialect, principal);
    const statements = sessionStatements(on, proof);
    const outage = new OutageWatch(events);
    const settings: RunnerSettings = { dialect, clock, timeoutMs: storeTimeoutMs, outage };
    const watch = new TransactionWatch();
    dataSource.subscribers.push(watch);
    const connections = dialect.hasOneConnection
      ? new SingleConnection(dataSource)
      : new PooledConnections(dataSource, dialect);
    const pooled = new PooledRunner(connections, settings);
    super(
      {
        on,
        statements,
        sweeper: new EpochSweeper(statements.epoch),
        runnerWithin: (manager) => runnerWithin(manager, pooled, settings, watch),
      },
      pooled,
    );
  }

  /** Look-ups that are made together are one statement. */
  override find(id: string): Promise<SessionRecord | undefined> {
    return isSessionId(id) ? this.#lookups.find(id) : Promise.resolve(undefined);
  }
}

/** The runner for what an application hands over: the manager of its transaction, or one outside of any. */
function runnerWithin(
  manager: TransactionManager,
  pooled: PooledRunner,
  settings: RunnerSettings,
  watch: TransactionWatch,
): StatementRunner {
  const queryRunner = queryRunnerOf(manager);
  if (queryRunner === undefined) return pooled;
  const connection = new BorrowedConnection(queryRunner, settings.dialect);
  if (queryRunner.isTransactionActive) {
    return new LeasedRunner(connection, settings, (callback) =>
      watch.afterCommit(queryRunner, callback),
    );
  }
  return settings.dialect.hasOneConnection ? pooled : new PooledRunner(connection, settings);
}

/** `undefined` for the manager of a data source, which is in no transaction. @throws `SESSION_OPTIONS_INVALID` */
function queryRunnerOf(manager: TransactionManager): QueryRunner | undefined {
  if ('queryRunner' in manager || 'dataSource' in manager) {
    return (manager as EntityManager).queryRunner;
  }
  throw new SessionError(
    'SESSION_OPTIONS_INVALID',
    'Expected `manager` to be the EntityManager that TypeORM hands to a transaction, got something else.',
  );
}
