import { Column, Entity, Index, PrimaryColumn } from 'typeorm';

import type { SessionDataRecord } from '../core/session-data.js';
import { milliseconds, words } from './column-transformers.js';

/**
 * The engine, and what MySQL and MariaDB compare text by: the default of most of their databases takes `Ann` and `ann`
 * for one user. Migrations choose an even more exact collation where there is one. Other databases ignore it.
 */
export const TABLE_ENGINE = 'InnoDB default character set utf8mb4 collate utf8mb4_bin';

/**
 * The table `sessions`. For reading and for the schema: only `SessionStore` writes it, by statements that cannot bring
 * a session back, so never save one of these.
 *
 * Points in time are epoch milliseconds. Nothing that a touch writes is indexed but `purgeAt`, which moves at most once
 * an hour (`purge.bucketMs`), so that touches stay cheap.
 */
@Entity({ name: 'sessions', engine: TABLE_ENGINE })
@Index(['userId', 'id'])
export class SessionEntity {
  /** UUIDv7. Not a secret. */
  @PrimaryColumn({ name: 'id', type: 'uuid' })
  id!: string;

  /** Hex SHA-256 of the token's secret. Written at issue and at each rotation. */
  @Column({ name: 'token_hash', type: 'varchar', length: 64 })
  tokenHash!: string;

  /** +1 at each rotation. */
  @Column({ name: 'generation', type: 'int' })
  generation!: number;

  /** Null until the first rotation. */
  @Column({ name: 'rotated_at', type: 'bigint', nullable: true, transformer: milliseconds })
  rotatedAt!: number | null;

  /** Null while anonymous. */
  @Column({ name: 'user_id', type: 'varchar', length: 255, nullable: true })
  userId!: string | null;

  /** The user's epoch and everyone's, added up, at issue. The session is live while the sum has not passed it. */
  @Column({ name: 'epoch', type: 'int' })
  epoch!: number;

  @Column({ name: 'created_at', type: 'bigint', transformer: milliseconds })
  createdAt!: number;

  /** Written by touches. */
  @Column({ name: 'last_seen_at', type: 'bigint', transformer: milliseconds })
  lastSeenAt!: number;

  /** Null while anonymous. Written at issue and at a step-up, like `aal` and `amr`. */
  @Column({ name: 'authenticated_at', type: 'bigint', nullable: true, transformer: milliseconds })
  authenticatedAt!: number | null;

  @Column({ name: 'aal', type: 'smallint', nullable: true })
  aal!: number | null;

  @Column({ name: 'amr', type: 'varchar', length: 255, nullable: true, transformer: words })
  amr!: string[] | null;

  /** Null where only the absolute timeout ends the session. */
  @Column({ name: 'idle_timeout_ms', type: 'bigint', nullable: true, transformer: milliseconds })
  idleTimeoutMs!: number | null;

  /** Written by touches. Null where only the absolute timeout ends the session. */
  @Column({ name: 'idle_expires_at', type: 'bigint', nullable: true, transformer: milliseconds })
  idleExpiresAt!: number | null;

  @Column({ name: 'expires_at', type: 'bigint', transformer: milliseconds })
  expiresAt!: number;

  /** When the row may be deleted. */
  @Index()
  @Column({ name: 'purge_at', type: 'bigint', transformer: milliseconds })
  purgeAt!: number;

  /** Whether the cookie outlives the browser. */
  @Column({ name: 'persistent', type: 'boolean' })
  persistent!: boolean;

  /** Name of the policy it was issued under. */
  @Column({ name: 'policy', type: 'varchar', length: 64 })
  policy!: string;

  /** Set once. Null while it was not ended by anyone. */
  @Column({ name: 'revoked_at', type: 'bigint', nullable: true, transformer: milliseconds })
  revokedAt!: number | null;

  @Column({ name: 'revoke_reason', type: 'varchar', length: 64, nullable: true })
  revokeReason!: string | null;

  /** Null where the application does not record it. Written at issue and by touches. */
  @Column({ name: 'ip', type: 'varchar', length: 45, nullable: true })
  ip!: string | null;

  /** Null where the application does not record it. Written at issue and by touches. */
  @Column({ name: 'user_agent', type: 'varchar', length: 512, nullable: true })
  userAgent!: string | null;

  /** +1 at each write of the data. */
  @Column({ name: 'version', type: 'int' })
  version!: number;

  /** The application's own data; null where none was written. */
  @Column({ name: 'data', type: 'json', nullable: true })
  data!: SessionDataRecord | null;
}
