import { Injectable, type OnModuleInit, type OnApplicationShutdown } from '@nestjs/common';
import { DiscoveryService, MetadataScanner, Reflector } from '@nestjs/core';

import { SessionEvents, type SessionEventName } from '../core/session-events.js';
import { EVENT_METADATA } from './session.decorators.js';

type Listener = (event: unknown) => unknown;

/** Finds the methods with `@OnSessionEvent` and calls them from start to shutdown. */
@Injectable()
export class SessionEventExplorer implements OnModuleInit, OnApplicationShutdown {
  readonly #subscriptions: (() => void)[] = [];

  constructor(
    private readonly discovery: DiscoveryService,
    private readonly scanner: MetadataScanner,
    private readonly reflector: Reflector,
    private readonly events: SessionEvents,
  ) {}

  onModuleInit(): void {
    const wrappers = [...this.discovery.getProviders(), ...this.discovery.getControllers()];
    const instances = wrappers
      .filter((wrapper) => wrapper.isDependencyTreeStatic())
      .map((wrapper): unknown => wrapper.instance);
    for (const instance of new Set(instances.filter(isObject))) this.#subscribe(instance);
  }

  onApplicationShutdown(): void {
    for (const unsubscribe of this.#subscriptions.splice(0)) unsubscribe();
  }

  #subscribe(instance: Record<string, unknown>): void {
    const prototype: object | null = Object.getPrototypeOf(instance);
    for (const methodName of this.scanner.getAllMethodNames(prototype)) {
      const method = instance[methodName];
      if (typeof method !== 'function') continue;
      const name = this.reflector.get<SessionEventName | undefined>(EVENT_METADATA, method);
      if (name === undefined) continue;
      this.#subscriptions.push(
        this.events.on(name, (event) => (method as Listener).call(instance, event)),
      );
    }
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
