import {
  BeforeUpdate,
  ChildEntity,
  Column,
  Entity,
  ManyToOne,
  OneToMany,
  PrimaryGeneratedColumn,
  TableInheritance,
} from 'typeorm';

/** Users of several kinds in one table, whose hash is made by a hook and loaded by nobody who does not ask for it. */
@Entity('people')
@TableInheritance({ column: { type: 'varchar', name: 'kind', length: 20 } })
export class Person {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column({ type: 'varchar', length: 100 })
  name!: string;

  @Column({ type: 'varchar', length: 100, nullable: true, select: false })
  passwordHash!: string | null;

  /** In no column. */
  password?: string;

  @BeforeUpdate()
  async hash(): Promise<void> {
    if (this.password === undefined) return;
    this.passwordHash = await Promise.resolve(`hash of ${this.password}`);
  }
}

@ChildEntity('admin')
export class Admin extends Person {
  @Column({ type: 'int', nullable: true })
  level!: number | null;
}

@Entity('teams')
export class Team {
  @PrimaryGeneratedColumn()
  id!: number;

  @OneToMany(() => Guest, (guest) => guest.team, { cascade: true })
  guests!: Guest[];
}

/** Users whom the team that they no longer belong to removes. */
@Entity('guests')
export class Guest {
  @PrimaryGeneratedColumn()
  id!: number;

  @Column({ type: 'varchar', length: 100 })
  passwordHash!: string;

  @ManyToOne(() => Team, (team) => team.guests, { nullable: true, orphanedRowAction: 'delete' })
  team!: Team | null;
}

/** In a table of its own, with ids of its own. */
@Entity('machines')
export class Machine extends Guest {
  @Column({ type: 'varchar', length: 100, nullable: true })
  model!: string | null;
}
