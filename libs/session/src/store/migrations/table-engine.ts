import type { QueryRunner } from 'typeorm';

import { TABLE_ENGINE } from '../session.entity.js';

/** MySQL's and MariaDB's binary collations that also tell `ann` from `ann` with a space behind it. */
const EXACT_COLLATIONS = `('utf8mb4_0900_bin', 'utf8mb4_nopad_bin')`;

/** The engine of the tables, with the most exact collation that the server has; `undefined` but for MySQL and MariaDB. */
export async function tableEngine(queryRunner: QueryRunner): Promise<string | undefined> {
  const { type } = queryRunner.dataSource.options;
  if (type !== 'mysql' && type !== 'mariadb') return undefined;
  const rows: unknown = await queryRunner.query(
    `select collation_name as name from information_schema.collations
     where collation_name in ${EXACT_COLLATIONS} order by collation_name limit 1`,
  );
  const [exact] = rows as { name: string }[];
  if (exact === undefined) return TABLE_ENGINE;
  return `InnoDB default character set utf8mb4 collate ${exact.name}`;
}
