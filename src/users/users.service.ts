import { randomUUID } from 'node:crypto';

import {
  ConflictException,
  ForbiddenException,
  Injectable,
  UnauthorizedException,
} from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import { SessionService } from 'nestjs-curfew';
import { Repository } from 'typeorm';

import { hashPassword, isOutdated, verifyPassword } from './password-hash.js';
import { User } from './user.entity.js';

@Injectable()
export class UsersService {
  constructor(
    @InjectRepository(User) private readonly users: Repository<User>,
    private readonly sessions: SessionService,
  ) {}

  /** Creates a user. 409 where the address is taken. */
  async register(email: string, password: string): Promise<User> {
    const user = this.users.create({
      id: randomUUID(),
      email,
      passwordHash: await hashPassword(password),
      disabledAt: null,
      createdAt: Date.now(),
    });
    try {
      await this.users.insert(user);
    } catch (error) {
      // Asked afterwards, as another request may insert the same address between a question and the insert.
      if (await this.users.existsBy({ email })) {
        throw new ConflictException('That address is registered already.');
      }
      throw error;
    }
    return user;
  }

  /** The user with that address and password who is not disabled, else `undefined`, after the same work. */
  async verify(email: string, password: string): Promise<User | undefined> {
    const user = await this.users.findOneBy({ email });
    const matches = await verifyPassword(user?.passwordHash, password);
    if (user === null || !matches || user.disabledAt !== null) return undefined;
    return isOutdated(user.passwordHash) ? this.#rehash(user, password) : user;
  }

  /** 401 where a row was deleted behind the application's back and its sessions are still there. */
  async find(id: string): Promise<User> {
    const user = await this.users.findOneBy({ id });
    if (user === null) throw new UnauthorizedException('There is no such user any more.');
    return user;
  }

  /** Changes the password, which ends the user's other sessions in the same transaction. 403 where `current` is wrong. */
  async changePassword(id: string, current: string, next: string): Promise<void> {
    const user = await this.find(id);
    if (!(await verifyPassword(user.passwordHash, current))) {
      throw new ForbiddenException('The current password is wrong.');
    }
    user.passwordHash = await hashPassword(next);
    await this.users.save(user);
  }

  /** The same password under today's cost: no reason to end a session. */
  async #rehash(user: User, password: string): Promise<User> {
    const { id, passwordHash } = user;
    const rehashed = await hashPassword(password);
    // By the old hash too: a password that was changed meanwhile must not be put back.
    const { affected } = await this.sessions.keepingSessions(() =>
      this.users.update({ id, passwordHash }, { passwordHash: rehashed }),
    );
    if (affected === 1) user.passwordHash = rehashed;
    return user;
  }
}
