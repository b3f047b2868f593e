import { Logger, type Provider } from '@nestjs/common';
import { getDataSourceToken } from '@nestjs/typeorm';
import type { DataSource } from 'typeorm';

import { createSessionCache } from './session-cache.factory.js';
import { SessionChannel } from './core/session-channel.js';
import { SessionEvents } from './core/session-events.js';
import { SessionPurge } from './core/session-purge.js';
import { SessionStore } from './core/session-store.js';
import { SessionTokens } from './core/session-token.js';
import { SessionService } from './core/session.service.js';
import { SessionEventExplorer } from './http/session-event.explorer.js';
import { CredentialSubscriber } from './invalidation/credential-subscriber.js';
import { CredentialTriggerCheck } from './invalidation/credential-trigger-check.js';
import { KeepingWatch } from './invalidation/keeping-watch.js';
import { DEFAULT_PACING, ONE_WRITER_PACING } from './purge/pacing.js';
import { PurgeRunner } from './purge/purge-runner.js';
import { SessionDomainEvents } from './session-domain-events.js';
import { SESSION_MODULE_OPTIONS, SESSION_OPTIONS } from './session.constants.js';
import { resolveSessionOptions, type ResolvedSessionOptions } from './session.options-check.js';
import type { SessionModuleOptions } from './session.options.js';
import { dialectOf } from './store/dialect/dialect-of.js';
import { keepingMarkOf } from './store/trigger/install-credential-trigger.js';
import { TypeOrmSessionStore } from './store/typeorm-session-store.js';

/** What both the web process and the worker process need: everything but HTTP and jobs. */
export function sessionCoreProviders(dataSource: string): Provider[] {
  const dataSourceToken = getDataSourceToken(dataSource);
  return [
    {
      provide: SESSION_OPTIONS,
      inject: [SESSION_MODULE_OPTIONS],
      useFactory: (options: SessionModuleOptions) => resolveSessionOptions(options),
    },
    {
      provide: SessionEvents,
      useFactory: () => {
        const logger = new Logger('Session');
        return new SessionEvents((name, error) =>
          logger.error(
            `listener failed event=${name}`,
            error instanceof Error ? error.stack : undefined,
          ),
        );
      },
    },
    {
      provide: SessionTokens,
      inject: [SESSION_OPTIONS],
      useFactory: (options: ResolvedSessionOptions) => new SessionTokens(options.secrets),
    },
    {
      provide: SessionStore,
      inject: [dataSourceToken, SESSION_OPTIONS, SessionEvents],
      useFactory: (source: DataSource, options: ResolvedSessionOptions, events: SessionEvents) =>
        new TypeOrmSessionStore(source, options, events),
    },
    {
      provide: SessionPurge,
      inject: [SessionStore, SessionEvents, dataSourceToken],
      useFactory: (store: SessionStore, events: SessionEvents, source: DataSource) =>
        new PurgeRunner(
          store,
          events,
          dialectOf(source).hasOneConnection ? ONE_WRITER_PACING : DEFAULT_PACING,
        ),
    },
    {
      provide: SessionService,
      inject: [
        SessionStore,
        SessionTokens,
        SESSION_OPTIONS,
        SessionEvents,
        SessionPurge,
        SessionChannel,
      ],
      useFactory: (
        store: SessionStore,
        tokens: SessionTokens,
        options: ResolvedSessionOptions,
        events: SessionEvents,
        purge: SessionPurge,
        channel: SessionChannel,
      ) =>
        new SessionService(
          store,
          tokens,
          options,
          events,
          purge,
          options.clock,
          createSessionCache(options, channel),
        ),
    },
    SessionEventExplorer,
    SessionDomainEvents,
    {
      provide: CredentialSubscriber,
      inject: [dataSourceToken, SESSION_OPTIONS, SessionStore, SessionEvents],
      useFactory: (
        source: DataSource,
        { principal }: ResolvedSessionOptions,
        store: SessionStore,
        events: SessionEvents,
      ) =>
        principal && watchCredentials(source, new CredentialSubscriber(principal, store, events)),
    },
    {
      provide: CredentialTriggerCheck,
      inject: [dataSourceToken, SESSION_OPTIONS],
      useFactory: (source: DataSource, { principal }: ResolvedSessionOptions) => {
        if (principal?.trigger !== true) return null;
        source.subscribers.push(new KeepingWatch(keepingMarkOf(source)));
        return new CredentialTriggerCheck(source, principal);
      },
    },
  ];
}

function watchCredentials(
  source: DataSource,
  subscriber: CredentialSubscriber,
): CredentialSubscriber {
  source.subscribers.push(subscriber);
  return subscriber;
}
