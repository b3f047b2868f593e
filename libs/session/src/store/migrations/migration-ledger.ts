import { Table, type QueryRunner } from 'typeorm';

import { sessionMetadata } from '../session-tables.js';
import { SessionEntity } from '../session.entity.js';
import { createSchemaIfMissing } from './schema.js';

/** The table `session_migrations`, beside `sessions`: which migrations of ours have run. */
export class MigrationLedger {
  readonly #queryRunner: QueryRunner;
  readonly #name: string;
  readonly #path: string;

  constructor(queryRunner: QueryRunner) {
    const { driver, namingStrategy, options } = queryRunner.dataSource;
    const { schema, database } = sessionMetadata(queryRunner.dataSource, SessionEntity);
    const { entityPrefix = '' } = options;
    const table = namingStrategy.prefixTableName(entityPrefix, 'session_migrations');
    this.#queryRunner = queryRunner;
    this.#name = driver.buildTableName(table, schema, database);
    this.#path = this.#name
      .split('.')
      .map((part) => driver.escape(part))
      .join('.');
  }

  async create(): Promise<void> {
    await createSchemaIfMissing(this.#queryRunner);
    const columns = [{ name: 'name', type: 'varchar', length: '255', isPrimary: true }];
    await this.#queryRunner.createTable(new Table({ name: this.#name, columns }), true);
  }

  async drop(): Promise<void> {
    await this.#queryRunner.dropTable(this.#name, true);
  }

  async names(): Promise<ReadonlySet<string>> {
    const rows: unknown = await this.#queryRunner.query(`select name from ${this.#path}`);
    return new Set((rows as { name: string }[]).map(({ name }) => name));
  }

  /** `name` is that of a class of ours. */
  async add(name: string): Promise<void> {
    await this.#queryRunner.query(`insert into ${this.#path} (name) values ('${name}')`);
  }
}
