import { Injectable } from '@nestjs/common';
import {
  Args,
  Mutation,
  Parent,
  Query,
  ResolveField,
  Resolver,
  Subscription,
} from '@nestjs/graphql';
import {
  CurrentSession,
  CurrentUserId,
  Public,
  RequestSession,
  RevokeSessions,
  SkipSession,
  StepUp,
} from 'nestjs-curfew';

import { Rendezvous } from './rendezvous.js';

/** What a field does with its session: a test says it where it needs it. */
export type FieldScript = (session: RequestSession, text: string) => unknown;

/** The scripts by name, and where fields wait for each other. */
@Injectable()
export class ResolverScripts {
  readonly byName = new Map<string, FieldScript>();
  rendezvous = new Rendezvous(1);

  async run(name: string, session: RequestSession, text = ''): Promise<string | null> {
    const value = await this.byName.get(name)?.(session, text);
    return typeof value === 'string' ? value : null;
  }
}

export const TYPE_DEFINITIONS = `
  type Viewer { userId: String!, sessionId: String! }
  type Query {
    me: String
    who: String
    skipped: String
    recent: String
    viewer: Viewer!
    gather: [String!]!
    query(name: String!): String
  }
  type Mutation {
    login(userId: String!): Boolean
    mutate(name: String!, text: String): String
    leave: Boolean
  }
  type Subscription {
    mine: String
    anyones: String
  }
`;

@Resolver('Viewer')
export class ScriptedResolver {
  constructor(private readonly scripts: ResolverScripts) {}

  @Query()
  me(@CurrentUserId() userId: string): string {
    return userId;
  }

  @Public()
  @Query()
  who(@CurrentUserId() userId: string | null): string | null {
    return userId;
  }

  @SkipSession()
  @Query()
  skipped(): string {
    return 'text';
  }

  @StepUp({ maxAgeMs: 60_000 })
  @Query()
  recent(): string {
    return 'recent';
  }

  @Query()
  viewer(@CurrentUserId() userId: string): { userId: string } {
    return { userId };
  }

  /** Nest runs no guard here, but gives the session of the operation. */
  @ResolveField()
  sessionId(@Parent() _viewer: unknown, @CurrentSession() session: RequestSession): string | null {
    return session.id;
  }

  /** Who asked, before and after everybody else has asked. */
  @Query()
  async gather(@CurrentSession() session: RequestSession): Promise<(string | null)[]> {
    const before = session.userId;
    await this.scripts.rendezvous.arrive();
    session.set('seen', before);
    return [before, session.userId, session.id];
  }

  @Query()
  query(
    @CurrentSession() session: RequestSession,
    @Args('name') name: string,
  ): Promise<string | null> {
    return this.scripts.run(name, session);
  }

  @Public()
  @Mutation()
  login(@CurrentSession() session: RequestSession, @Args('userId') userId: string): boolean {
    session.signIn(userId);
    return true;
  }

  @Mutation()
  mutate(
    @CurrentSession() session: RequestSession,
    @Args('name') name: string,
    @Args('text') text: string,
  ): Promise<string | null> {
    return this.scripts.run(name, session, text);
  }

  /** Whose session the socket was opened with, twice. */
  @Subscription()
  async *mine(@CurrentUserId() userId: string): AsyncGenerator<{ mine: string }> {
    yield { mine: userId };
    await this.scripts.rendezvous.arrive();
    yield { mine: userId };
  }

  @Public()
  @Subscription()
  anyones(@CurrentSession() session: RequestSession): AsyncGenerator<{ anyones: string }> {
    session.set('seen', 'something');
    return (async function* () {
      yield { anyones: 'something' };
    })();
  }

  @RevokeSessions({ scope: 'all', reason: 'left' })
  @Mutation()
  leave(): boolean {
    return true;
  }
}
