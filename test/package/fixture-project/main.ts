import 'reflect-metadata';

import { Controller, Get, Module, Post } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { TypeOrmModule } from '@nestjs/typeorm';
import {
  CurrentSession,
  CurrentUserId,
  Public,
  RequestSession,
  SessionModule,
} from 'nestjs-curfew';
import { sessionMigrations } from 'nestjs-curfew/migrations';

@Controller()
class AppController {
  @Public()
  @Post('login')
  login(@CurrentSession() session: RequestSession): { signedIn: true } {
    session.signIn('ada');
    return { signedIn: true };
  }

  @Get('me')
  me(@CurrentUserId() userId: string): { userId: string } {
    return { userId };
  }
}

@Module({
  imports: [
    TypeOrmModule.forRoot({
      type: 'better-sqlite3',
      database: ':memory:',
      autoLoadEntities: true,
      migrations: sessionMigrations,
      migrationsRun: true,
    }),
    SessionModule.forRoot({ secret: 'a secret of the fixture, for its own test only' }),
  ],
  controllers: [AppController],
})
class AppModule {}

const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] });
app.enableShutdownHooks();
await app.listen(0, '127.0.0.1');
process.stdout.write(`listening on ${await app.getUrl()}\n`);
