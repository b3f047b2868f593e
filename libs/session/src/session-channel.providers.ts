import type { Provider } from '@nestjs/common';

import { LinkedChannel } from './channel/linked-channel.js';
import { LocalChannel } from './channel/local-channel.js';
import { loadPostgresLink } from './channel/postgres-link.js';
import { loadRedisLink } from './channel/redis-link.js';
import { SessionChannelLifecycle } from './channel/session-channel-lifecycle.js';
import { SessionChannel } from './core/session-channel.js';
import { SessionEvents } from './core/session-events.js';
import { SESSION_OPTIONS } from './session.constants.js';
import type { ResolvedSessionOptions } from './session.options-check.js';

/** The channel of a process, by the driver that the options name. Connects to nothing yet. */
export function createSessionChannel({
  channel,
}: Pick<ResolvedSessionOptions, 'channel'>): SessionChannel {
  switch (channel.driver) {
    case 'redis':
      return new LinkedChannel(() => loadRedisLink(channel));
    case 'postgres':
      return new LinkedChannel(() => loadPostgresLink(channel));
    case 'none':
      return new LocalChannel();
  }
}

/** `SessionChannel`, opened and closed with the application, and told of what happens to sessions in this process. */
export function sessionChannelProviders(): Provider[] {
  return [
    {
      provide: SessionChannel,
      inject: [SESSION_OPTIONS],
      useFactory: (options: ResolvedSessionOptions) => createSessionChannel(options),
    },
    {
      provide: SessionChannelLifecycle,
      inject: [SessionEvents, SessionChannel],
      useFactory: (events: SessionEvents, channel: SessionChannel) =>
        new SessionChannelLifecycle(events, channel),
    },
  ];
}
