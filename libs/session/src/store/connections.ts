import type { DataSource, QueryRunner } from 'typeorm';

import type { Dialect } from './dialect/dialect.js';
import type { TransactionWatch } from './transaction-watch.js';

/** A connection, for as long as nobody else uses it. */
export interface Lease {
  readonly queryRunner: QueryRunner;
  release(): Promise<void>;
  /** For a connection whose last statement was never answered; may be followed by `release`. */
  destroy(): Promise<void>;
}

/** Where statements get their connection from. */
export interface Connections {
  /** What it means that none was to be had in time. */
  readonly whyNone: string;
  acquire(): Promise<Lease>;
}

/** The pool of the data source, always of the primary: a replica may not know yet that a session has ended. */
export class PooledConnections implements Connections {
  readonly whyNone = 'no connection in time: the pool is exhausted, or the server does not answer';

  constructor(
    private readonly dataSource: DataSource,
    private readonly dialect: Dialect,
  ) {}

  async acquire(): Promise<Lease> {
    const queryRunner = this.dataSource.createQueryRunner('master');
    await queryRunner.connect();
    return {
      queryRunner,
      release: () => queryRunner.release(),
      destroy: () => this.dialect.destroyConnection(queryRunner),
    };
  }
}

/**
 * The one connection of a process with SQLite, by turns: whatever is sent between the BEGIN and the COMMIT of someone
 * else is part of their transaction, and is gone with their rollback. The turns are the store's own; for the
 * application's transactions it waits.
 */
export class SingleConnection implements Connections {
  readonly whyNone =
    'no turn in time: on SQLite everything waits for the transaction that is open. Inside a transaction, use the store that it hands out, or give its `manager`';
  #lastTurn: Promise<void> = Promise.resolve();

  constructor(
    private readonly dataSource: DataSource,
    private readonly watch: TransactionWatch,
  ) {}

  async acquire(): Promise<Lease> {
    const previous = this.#lastTurn;
    let endTurn = (): void => {};
    this.#lastTurn = new Promise((resolve) => {
      endTurn = resolve;
    });
    await previous;
    const queryRunner = this.dataSource.createQueryRunner('master');
    await this.watch.untilIdle(queryRunner);
    const release = async (): Promise<void> => endTurn();
    return { queryRunner, release, destroy: release };
  }
}

/** The connection of the application's own transaction, which it keeps. */
export class BorrowedConnection implements Connections, Lease {
  readonly whyNone = '';

  constructor(
    readonly queryRunner: QueryRunner,
    private readonly dialect: Dialect,
  ) {}

  async acquire(): Promise<Lease> {
    return this;
  }

  async release(): Promise<void> {}

  destroy(): Promise<void> {
    return this.dialect.destroyConnection(this.queryRunner);
  }
}
