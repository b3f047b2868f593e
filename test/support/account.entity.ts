import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A user of an application under test: the `principal` of its sessions. */
@Entity({ name: 'accounts' })
export class Account {
  @PrimaryColumn({ type: 'varchar', length: 64 })
  id!: string;

  @Column({ name: 'password_hash', type: 'varchar', length: 255 })
  passwordHash!: string;

  @Column({ name: 'is_disabled', type: 'boolean' })
  isDisabled!: boolean;
}
