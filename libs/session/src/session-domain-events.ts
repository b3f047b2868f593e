import { Inject, Injectable, type OnApplicationShutdown, type OnModuleInit } from '@nestjs/common';
import { ModuleRef } from '@nestjs/core';

import { SessionError } from './core/errors.js';
import { SessionService } from './core/session.service.js';
import {
  DomainEventListener,
  type DomainEventEmitter,
} from './invalidation/domain-event-listener.js';
import { loadPeer } from './jobs/load-peer.js';
import { lookupIn } from './provider-lookup.js';
import { SESSION_OPTIONS } from './session.constants.js';
import type { ResolvedSessionOptions } from './session.options-check.js';

/** Listens to the events that `invalidateOn` names, from start to shutdown. */
@Injectable()
export class SessionDomainEvents implements OnModuleInit, OnApplicationShutdown {
  #stop = (): void => {};

  constructor(
    @Inject(SESSION_OPTIONS)
    private readonly options: Pick<ResolvedSessionOptions, 'invalidateOn'>,
    private readonly sessions: SessionService,
    private readonly modules: ModuleRef,
  ) {}

  /** @throws `SESSION_PEER_MISSING`, `SESSION_OPTIONS_INVALID` where `EventEmitterModule` is not imported. */
  async onModuleInit(): Promise<void> {
    const { invalidateOn } = this.options;
    if (invalidateOn.length === 0) return;
    const { EventEmitter2 } = await loadPeer(
      '@nestjs/event-emitter',
      'the option `invalidateOn`',
      () => import('@nestjs/event-emitter'),
    );
    const emitter = lookupIn(this.modules)(EventEmitter2) as DomainEventEmitter | undefined;
    if (emitter === undefined) {
      throw new SessionError(
        'SESSION_OPTIONS_INVALID',
        'Expected an EventEmitter2 to listen to for `invalidateOn`, got none. Import EventEmitterModule.forRoot() of @nestjs/event-emitter.',
      );
    }
    this.#stop = new DomainEventListener(this.sessions, invalidateOn).listenTo(emitter);
  }

  onApplicationShutdown(): void {
    this.#stop();
  }
}
