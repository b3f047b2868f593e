import type { OnApplicationShutdown, OnModuleInit } from '@nestjs/common';

import type { SessionChannel } from '../core/session-channel.js';
import type { SessionEvents } from '../core/session-events.js';
import { publishNotices } from './notice-publisher.js';

/** Opens the channel with the application and closes it when all that ends sessions has stopped. */
export class SessionChannelLifecycle implements OnModuleInit, OnApplicationShutdown {
  #stopPublishing = (): void => {};

  constructor(
    private readonly events: SessionEvents,
    private readonly channel: SessionChannel,
  ) {}

  /** @internal @throws `SESSION_PEER_MISSING` */
  async onModuleInit(): Promise<void> {
    this.#stopPublishing = publishNotices(this.events, this.channel);
    await this.channel.start();
  }

  /** @internal */
  async onApplicationShutdown(): Promise<void> {
    this.#stopPublishing();
    await this.channel.close();
  }
}
