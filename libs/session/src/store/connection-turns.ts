import { AsyncLocalStorage } from 'node:async_hooks';

import type { DataSource, EntitySubscriberInterface, QueryRunner } from 'typeorm';

type Statement = Parameters<QueryRunner['query']>;

/** A turn of a store on the connection. */
export interface Turn {
  /** Sends a statement in it. */
  readonly query: QueryRunner['query'];
  readonly end: () => void;
}

/**
 * Whose turn it is on the one connection that a process has to SQLite. Whatever is sent between the BEGIN and the COMMIT
 * of someone else is part of their transaction, and is gone with their rollback: a store waits for the statements and the
 * transactions of the application, and these wait while a store has its turn.
 */
export class ConnectionTurns implements EntitySubscriberInterface {
  readonly #send: QueryRunner['query'];
  /** The turn that a statement is sent in. */
  readonly #owner = new AsyncLocalStorage<Promise<void>>();
  /** The last of the turns that were asked for. */
  #lastTurn: Promise<void> = Promise.resolve();
  /** The turn that lasts. */
  #turn: Promise<void> | undefined;
  /** Of the application: under way, or waiting for the end of a turn. */
  #statementCount = 0;
  #wake = (): void => {};

  /** Those of a connected data source, for every store on it. */
  static on(dataSource: DataSource): ConnectionTurns {
    const known = dataSource.subscribers.find((one) => one instanceof ConnectionTurns);
    if (known !== undefined) return known;
    const turns = new ConnectionTurns(dataSource.createQueryRunner('master'));
    dataSource.subscribers.push(turns);
    return turns;
  }

  /** Replaces a method of TypeORM's: a subscriber can delay a statement, but not be sure to hear of its end. */
  private constructor(private readonly queryRunner: QueryRunner) {
    this.#send = queryRunner.query.bind(queryRunner);
    queryRunner.query = (...statement: Statement) => {
      // What a subscriber sends because of a statement of a store belongs to that.
      const isOwn = this.#turn !== undefined && this.#turn === this.#owner.getStore();
      return isOwn ? this.#send(...statement) : this.#sendForApplication(statement);
    };
  }

  /** Waits for a turn. */
  async take(): Promise<Turn> {
    const previous = this.#lastTurn;
    let resolve = (): void => {};
    const turn = new Promise<void>((settle) => {
      resolve = settle;
    });
    this.#lastTurn = turn;
    await previous;
    while (this.queryRunner.isTransactionActive || this.#statementCount > 0) {
      await new Promise<void>((wake) => {
        this.#wake = wake;
      });
    }
    this.#turn = turn;
    return {
      query: (...statement: Statement) => this.#owner.run(turn, () => this.#send(...statement)),
      end: () => {
        if (this.#turn === turn) this.#turn = undefined;
        resolve();
      },
    };
  }

  afterTransactionCommit(): void {
    this.#wake();
  }

  afterTransactionRollback(): void {
    this.#wake();
  }

  async #sendForApplication(statement: Statement): Promise<unknown> {
    this.#statementCount += 1;
    try {
      while (this.#turn !== undefined) await this.#turn;
      return await this.#send(...statement);
    } finally {
      this.#statementCount -= 1;
      this.#wake();
    }
  }
}
