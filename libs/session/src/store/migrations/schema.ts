import type { QueryRunner } from 'typeorm';

import { sessionMetadata } from '../session-tables.js';
import { SessionEntity } from '../session.entity.js';

/**
 * Creates the schema of the session tables, on PostgreSQL. Asks first: `create schema if not exists` needs the right to
 * create one even where it is there.
 */
export async function createSchemaIfMissing(queryRunner: QueryRunner): Promise<void> {
  const { dataSource } = queryRunner;
  const { schema } = sessionMetadata(dataSource, SessionEntity);
  if (dataSource.options.type !== 'postgres' || schema === undefined) return;
  if (!(await queryRunner.hasSchema(schema))) await queryRunner.createSchema(schema, true);
}
