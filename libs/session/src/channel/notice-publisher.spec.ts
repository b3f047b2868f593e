import { expect, it } from '@jest/globals';

import type { SessionNotice } from '../core/session-channel.js';
import { SessionEvents } from '../core/session-events.js';
import { LocalChannel } from './local-channel.js';
import { publishNotices } from './notice-publisher.js';

const sessionId = '0193a5f0-0000-7000-8000-000000000002';

it('publishes what ends, moves or changes sessions, and nothing else', () => {
  const events = new SessionEvents();
  const channel = new LocalChannel();
  const heard: SessionNotice[] = [];
  channel.subscribe((notice) => void heard.push(notice));
  const stop = publishNotices(events, channel);
  const session = { sessionId, userId: 'ann' };
  events.emit('session:issued', { ...session, policy: 'default' });
  events.emit('session:touched', { count: 1 });
  events.emit('session:revoked', { ...session, reason: 'revoked' });
  events.emit('session:rotated', { ...session, generation: 1 });
  events.emit('session:changed', session);
  events.emit('principal:revoked', { userId: 'ann', reason: 'revoked', exceptSessionId: null });
  events.emit('everyone:revoked', { reason: 'revoked' });
  stop();
  events.emit('everyone:revoked', { reason: 'revoked' });
  expect(heard).toEqual([
    { kind: 'session', ...session },
    { kind: 'session', ...session },
    { kind: 'session', ...session, isLive: true },
    { kind: 'principal', userId: 'ann' },
    { kind: 'everyone' },
  ]);
});
