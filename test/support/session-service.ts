import { publishNotices } from '../../libs/session/src/channel/notice-publisher.js';
import { createSessionCache } from '../../libs/session/src/session-cache.factory.js';
import type { SessionChannel } from '../../libs/session/src/core/session-channel.js';
import { SessionEvents } from '../../libs/session/src/core/session-events.js';
import type { SessionStore } from '../../libs/session/src/core/session-store.js';
import { SessionTokens } from '../../libs/session/src/core/session-token.js';
import { SessionService } from '../../libs/session/src/core/session.service.js';
import { PurgeRunner } from '../../libs/session/src/purge/purge-runner.js';
import type { SessionModuleOptions } from '../../libs/session/src/session.options.js';
import { resolveSessionOptions } from '../../libs/session/src/session.options-check.js';
import { FakeClock } from '../../libs/session/src/testing/fake-clock.js';
import { MemorySessionStore } from '../../libs/session/src/testing/memory-session-store.js';
import { ScriptedChannel } from './scripted-channel.js';

/** The use cases over one store, as the module puts them together, without Nest. */
export interface TestSessions<Channel = ScriptedChannel> {
  readonly sessions: SessionService;
  readonly store: SessionStore;
  readonly events: SessionEvents;
  readonly clock: FakeClock;
  /** What other processes tell this one. */
  readonly channel: Channel;
}

interface Given {
  readonly options?: Partial<SessionModuleOptions>;
  readonly clock?: FakeClock;
  readonly store?: SessionStore;
}

/** Over a memory store on a clock that stands still, unless given others. */
export function createTestSessions(given: Given = {}): TestSessions {
  return createSessionsOn(new ScriptedChannel(), given);
}

/** The same on a channel between processes. A store that was given without a clock keeps the time. */
export function createSessionsOn<Channel extends SessionChannel>(
  channel: Channel,
  given: Given,
): TestSessions<Channel> {
  const { clock = new FakeClock(), store = new MemorySessionStore({ clock }) } = given;
  const time = given.store === undefined || given.clock !== undefined ? { clock } : {};
  const options = resolveSessionOptions({ secret: 's'.repeat(32), ...time, ...given.options });
  const events = new SessionEvents();
  const purge = new PurgeRunner(store, events);
  const tokens = new SessionTokens(options.secrets);
  const cache = createSessionCache(options, channel);
  publishNotices(events, channel);
  const sessions = new SessionService(store, tokens, options, events, purge, options.clock, cache);
  return { sessions, store, events, clock, channel };
}
