import type { MigrationInterface, QueryRunner } from 'typeorm';

import { SessionPrincipalEntity } from '../session-principal.entity.js';
import { sessionMetadata, tableNames } from '../session-tables.js';
import { SessionEntity } from '../session.entity.js';
import { createSchemaIfMissing } from './schema.js';
import { defineTable, type ColumnDefinition } from './table-definition.js';
import { tableEngine } from './table-engine.js';

const SESSION_COLUMNS: readonly ColumnDefinition[] = [
  { property: 'id', type: 'uuid', isPrimary: true },
  { property: 'tokenHash', type: 'varchar', length: 64 },
  { property: 'generation', type: 'int' },
  { property: 'rotatedAt', type: 'bigint', isNullable: true },
  { property: 'userId', type: 'varchar', length: 255, isNullable: true },
  { property: 'epoch', type: 'int' },
  { property: 'createdAt', type: 'bigint' },
  { property: 'lastSeenAt', type: 'bigint' },
  { property: 'authenticatedAt', type: 'bigint', isNullable: true },
  { property: 'aal', type: 'smallint', isNullable: true },
  { property: 'amr', type: 'varchar', length: 255, isNullable: true },
  { property: 'idleTimeoutMs', type: 'bigint', isNullable: true },
  { property: 'idleExpiresAt', type: 'bigint', isNullable: true },
  { property: 'expiresAt', type: 'bigint' },
  { property: 'purgeAt', type: 'bigint' },
  { property: 'persistent', type: 'boolean' },
  { property: 'policy', type: 'varchar', length: 64 },
  { property: 'revokedAt', type: 'bigint', isNullable: true },
  { property: 'revokeReason', type: 'varchar', length: 64, isNullable: true },
  { property: 'ip', type: 'varchar', length: 45, isNullable: true },
  { property: 'userAgent', type: 'varchar', length: 512, isNullable: true },
  { property: 'version', type: 'int' },
  { property: 'data', type: 'json', isNullable: true },
];

const SESSION_INDEXES = [['userId', 'id'], ['purgeAt']];

const PRINCIPAL_COLUMNS: readonly ColumnDefinition[] = [
  { property: 'userId', type: 'varchar', length: 255, isPrimary: true },
  { property: 'epoch', type: 'int' },
  { property: 'sweptEpoch', type: 'int' },
  { property: 'reason', type: 'varchar', length: 64 },
  { property: 'updatedAt', type: 'bigint' },
];

/** The tables of Curfew 0.1. Does nothing where they are already there. */
export class CreateSessions1763700000000 implements MigrationInterface {
  readonly name = 'CreateSessions1763700000000';

  async up(queryRunner: QueryRunner): Promise<void> {
    const { dataSource } = queryRunner;
    const sessions = sessionMetadata(dataSource, SessionEntity);
    const principals = sessionMetadata(dataSource, SessionPrincipalEntity);
    await createSchemaIfMissing(queryRunner);
    const engine = await tableEngine(queryRunner);
    const sessionTable = { columns: SESSION_COLUMNS, indexes: SESSION_INDEXES, engine };
    const principalTable = { columns: PRINCIPAL_COLUMNS, engine };
    await queryRunner.createTable(defineTable(dataSource, sessions, sessionTable), true);
    await queryRunner.createTable(defineTable(dataSource, principals, principalTable), true);
    if (dataSource.options.type === 'postgres') {
      // Room for the next version of a row on its own page, so that a touch writes no index.
      const { path } = tableNames(dataSource, sessions);
      await queryRunner.query(`alter table ${path} set (fillfactor = 85)`);
    }
  }

  async down(queryRunner: QueryRunner): Promise<void> {
    const { dataSource } = queryRunner;
    for (const entity of [SessionPrincipalEntity, SessionEntity]) {
      await queryRunner.dropTable(sessionMetadata(dataSource, entity).tablePath, true);
    }
  }
}
