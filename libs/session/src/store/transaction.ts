import type { QueryRunner } from 'typeorm';

import type { Dialect } from './dialect/dialect.js';

/** The transaction that the store opens on a connection. */
export interface Transaction {
  readonly isOpen: boolean;
  begin(): Promise<void>;
  commit(): Promise<void>;
  rollBack(): Promise<void>;
}

/** One by TypeORM. */
export class TypeOrmTransaction implements Transaction {
  constructor(
    private readonly queryRunner: QueryRunner,
    private readonly isolationLevel: Dialect['isolationLevel'],
  ) {}

  get isOpen(): boolean {
    return !this.queryRunner.isReleased && this.queryRunner.isTransactionActive;
  }

  begin(): Promise<void> {
    return this.queryRunner.startTransaction(this.isolationLevel);
  }

  commit(): Promise<void> {
    return this.queryRunner.commitTransaction();
  }

  rollBack(): Promise<void> {
    return this.queryRunner.rollbackTransaction();
  }
}

/**
 * One that TypeORM does not know of. A `save` of the application beside a transaction that TypeORM knows of on the same
 * connection begins none of its own, and would be gone with its rollback.
 */
export class OwnTransaction implements Transaction {
  isOpen = false;

  constructor(private readonly connection: Pick<QueryRunner, 'query'>) {}

  async begin(): Promise<void> {
    // Before: a subscriber of the application may fail after the statement.
    this.isOpen = true;
    await this.connection.query('BEGIN TRANSACTION');
  }

  async commit(): Promise<void> {
    await this.connection.query('COMMIT');
    this.isOpen = false;
  }

  async rollBack(): Promise<void> {
    await this.connection.query('ROLLBACK');
    this.isOpen = false;
  }
}
