import {
  Column,
  DeleteDateColumn,
  Entity,
  ManyToOne,
  OneToMany,
  PrimaryGeneratedColumn,
  type DataSource,
} from 'typeorm';

/** What a member signs in with: part of the row, under column names of its own. */
export class MemberLogin {
  @Column({ name: 'pw_hash', type: 'varchar', length: 100, nullable: true })
  passwordHash!: string | null;

  @Column({ name: 'blocked_at', type: 'bigint', nullable: true })
  blockedAt!: string | null;
}

/** An organization whose members are saved and removed with it. */
@Entity('clubs')
export class Club {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column({ type: 'varchar', length: 100 })
  name!: string;

  @OneToMany(() => Member, (member) => member.club, { cascade: true })
  members!: Member[];
}

/** A user whose id is no primary key, and whose credential is in an embedded entity. */
@Entity('club members')
export class Member {
  @PrimaryGeneratedColumn()
  key!: number;

  @Column({ name: 'member code', type: 'varchar', length: 40, nullable: true, unique: true })
  code!: string | null;

  @Column(() => MemberLogin, { prefix: 'login_' })
  login!: MemberLogin;

  @ManyToOne(() => Club, (club) => club.members, { nullable: true, onDelete: 'CASCADE' })
  club!: Club | null;

  @DeleteDateColumn()
  removedAt!: Date | null;
}

/** The principal option for `Member`. */
export const MEMBER_PRINCIPAL = {
  entity: Member,
  userId: 'code',
  credentials: ['login.passwordHash'],
  disabled: 'login.blockedAt',
};

/** Makes the tables of the application's entities that are missing, as its own migrations would. */
export async function createTables(dataSource: DataSource): Promise<void> {
  const { upQueries } = await dataSource.driver.createSchemaBuilder().log();
  for (const { query, parameters } of upQueries) await dataSource.query(query, parameters);
}
