import type { DataSource, QueryRunner } from 'typeorm';

import { ConnectionTurns } from './connection-turns.js';
import type { Dialect } from './dialect/dialect.js';
import { OwnTransaction, TypeOrmTransaction, type Transaction } from './transaction.js';

/** A connection, for as long as nobody else uses it. */
export interface Lease {
  /** The same object for all who send on it at once. */
  readonly connection: Pick<QueryRunner, 'query'>;
  /** The one that the store may open on it. */
  readonly transaction: Transaction;
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
      connection: queryRunner,
      transaction: new TypeOrmTransaction(queryRunner, this.dialect.isolationLevel),
      release: () => queryRunner.release(),
      destroy: () => this.dialect.destroyConnection(queryRunner),
    };
  }
}

/** The one connection of a process with SQLite, by turns. */
export class SingleConnection implements Connections {
  readonly whyNone =
    'no turn in time: on SQLite everything waits for the transaction that is open. Inside a transaction, use the store that it hands out, or give its `manager`';
  readonly #turns: ConnectionTurns;

  constructor(dataSource: DataSource) {
    this.#turns = ConnectionTurns.on(dataSource);
  }

  async acquire(): Promise<Lease> {
    const turn = await this.#turns.take();
    const release = async (): Promise<void> => turn.end();
    return { connection: turn, transaction: new OwnTransaction(turn), release, destroy: release };
  }
}

/** The connection of the application's own transaction, which it keeps. */
export class BorrowedConnection implements Connections, Lease {
  readonly whyNone = '';
  readonly transaction: Transaction;

  constructor(
    readonly connection: QueryRunner,
    private readonly dialect: Dialect,
  ) {
    this.transaction = new TypeOrmTransaction(connection, dialect.isolationLevel);
  }

  async acquire(): Promise<Lease> {
    return this;
  }

  async release(): Promise<void> {}

  destroy(): Promise<void> {
    return this.dialect.destroyConnection(this.connection);
  }
}
