import { Column, Entity, PrimaryColumn } from 'typeorm';

const epochMilliseconds = {
  to: (value: number | null) => value,
  from: (value: string | number | null) => (value === null ? null : Number(value)),
};

/** Someone who can sign in. */
@Entity({ name: 'users' })
export class User {
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id!: string;

  /** In lower case; unique. */
  @Column({ type: 'varchar', length: 254, unique: true })
  email!: string;

  /** Argon2id, with salt and parameters. A change ends the user's other sessions: the module's `principal` option. */
  @Column({ name: 'password_hash', type: 'varchar', length: 255 })
  passwordHash!: string;

  /** Epoch milliseconds since when the user may not sign in; `null` while they may. */
  @Column({ name: 'disabled_at', type: 'bigint', nullable: true, transformer: epochMilliseconds })
  disabledAt!: number | null;

  @Column({ name: 'created_at', type: 'bigint', transformer: epochMilliseconds })
  createdAt!: number;
}
