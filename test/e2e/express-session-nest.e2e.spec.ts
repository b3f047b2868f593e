import { afterAll, beforeAll, beforeEach, expect, it } from '@jest/globals';
import {
  Body,
  Controller,
  Get,
  HttpCode,
  Post,
  Req,
  UnauthorizedException,
  type INestApplication,
} from '@nestjs/common';
import { Test } from '@nestjs/testing';
import { TypeOrmModule } from '@nestjs/typeorm';
import type { Request } from 'express';
import expressSession from 'express-session';
import { RequireSession, SessionModule, SessionService } from 'nestjs-curfew';
import { createExpressSessionStore } from 'nestjs-curfew/express-session';
import { Authenticator } from 'passport';
import { Column, DataSource, Entity, PrimaryColumn } from 'typeorm';

import { Browser } from '../support/browser.js';
import { describeEachDatabase } from '../support/databases.js';

@Entity()
class Account {
  @PrimaryColumn({ type: 'varchar', length: 36 })
  id!: string;

  @Column({ type: 'varchar', length: 100 })
  passwordHash!: string;
}

/** Passport signs in whom the request names: how a password is verified is not the point here. */
@Controller()
class AccountController {
  constructor(private readonly dataSource: DataSource) {}

  @Post('login')
  @HttpCode(200)
  async login(@Req() request: Request, @Body() body: { hash: string }): Promise<{ ok: true }> {
    await new Promise<void>((resolve, reject) => {
      request.login({ id: 'ann', passwordHash: body.hash }, (error: unknown) =>
        error instanceof Error ? reject(error) : resolve(),
      );
    });
    return { ok: true };
  }

  @Get('me')
  me(@Req() request: Request): unknown {
    if (!request.isAuthenticated()) throw new UnauthorizedException();
    return request.user;
  }

  @Post('password')
  @HttpCode(200)
  async changePassword(@Body() body: { next: string }): Promise<{ ok: true }> {
    await this.dataSource.getRepository(Account).save({ id: 'ann', passwordHash: body.next });
    return { ok: true };
  }

  @RequireSession()
  @Get('curfew')
  curfew(): object {
    return {};
  }
}

await describeEachDatabase('express-session and Passport in a Nest application', (database) => {
  let app: INestApplication;
  let origin: string;

  beforeAll(async () => {
    const tested = await Test.createTestingModule({
      imports: [
        TypeOrmModule.forRoot({
          ...database.options(),
          entities: [Account],
          autoLoadEntities: true,
          synchronize: true,
        }),
        SessionModule.forRoot({
          globalGuard: false,
          secret: 'a secret of at least thirty-two bytes',
          principal: { entity: Account, credentials: ['passwordHash'] },
          jobs: { driver: 'none' },
        }),
      ],
      controllers: [AccountController],
    }).compile();
    app = tested.createNestApplication({ logger: false });
    const passport = new Authenticator();
    passport.serializeUser((user, done) => done(null, (user as Account).id));
    passport.deserializeUser((id: string, done) => done(null, { id }));
    app.use(
      expressSession({
        ...createExpressSessionStore(app.get(SessionService), {
          signIn: (_, { user }) => ({ credential: (user as Account).passwordHash }),
        }),
        secret: 'signs the cookie',
        resave: false,
        saveUninitialized: false,
      }),
      passport.session(),
    );
    await app.listen(0, '127.0.0.1');
    origin = await app.getUrl();
  });

  afterAll(async () => {
    await app?.close();
  });

  beforeEach(async () => {
    await app.get(DataSource).getRepository(Account).save({ id: 'ann', passwordHash: 'first' });
  });

  async function signedIn(): Promise<Browser> {
    const browser = new Browser(origin);
    expect(await browser.post('/login', { hash: 'first' })).toMatchObject({ status: 200 });
    return browser;
  }

  it('leaves request.session to express-session where routes need no session of Curfew', async () => {
    const browser = await signedIn();

    expect(await browser.get('/me')).toMatchObject({ status: 200, body: { id: 'ann' } });
  });

  it('ends every session of a user, its own too, with the change of the password', async () => {
    const [browser, other] = [await signedIn(), await signedIn()];

    await browser.post('/password', { next: 'second' });

    expect((await browser.get('/me')).status).toBe(401);
    expect((await other.get('/me')).status).toBe(401);
  });

  it('signs nobody in by a password that was changed meanwhile', async () => {
    const browser = new Browser(origin);

    const { status } = await browser.post('/login', { hash: 'an earlier one' });

    expect(status).toBe(401);
    expect((await browser.get('/me')).status).toBe(401);
  });

  it('says so where a route needs a session of Curfew and finds another in its place', async () => {
    expect((await (await signedIn()).get('/curfew')).status).toBe(500);
  });
});
