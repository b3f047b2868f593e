import { describe, expect, it } from '@jest/globals';

import { encodeMessage, MAX_MESSAGE_BYTES } from './channel-message.js';
import { OutgoingNotices } from './outgoing-notices.js';

const FROM = idOf(0);

function idOf(index: number): string {
  return `0193a5f0-0000-7000-8000-${index.toString(16).padStart(12, '0')}`;
}

function takeAll(outgoing: OutgoingNotices) {
  const messages = [];
  while (!outgoing.isEmpty) messages.push(outgoing.take());
  return messages;
}

describe('notices on their way to other processes', () => {
  it('go once, however often they come', () => {
    const outgoing = new OutgoingNotices();
    for (const _ of [1, 2, 3]) {
      outgoing.add({ kind: 'session', sessionId: idOf(1), userId: 'ann' });
      outgoing.add({ kind: 'principal', userId: 'bob' });
    }
    expect(takeAll(outgoing)).toEqual([{ userIds: ['bob'], sessionIds: [idOf(1)] }]);
  });

  it('say of a session that it ended, if one of several says so', () => {
    const outgoing = new OutgoingNotices();
    outgoing.add({ kind: 'session', sessionId: idOf(1), isLive: true });
    outgoing.add({ kind: 'session', sessionId: idOf(1) });
    outgoing.add({ kind: 'session', sessionId: idOf(1), isLive: true });
    outgoing.add({ kind: 'session', sessionId: idOf(2), isLive: true });
    expect(takeAll(outgoing)).toEqual([{ sessionIds: [idOf(1)], liveIds: [idOf(2)] }]);
  });

  it('become one about the user where many sessions of a user end', () => {
    const outgoing = new OutgoingNotices();
    for (let index = 0; index < 100_000; index += 1) {
      outgoing.add({ kind: 'session', sessionId: idOf(index), userId: 'ann' });
    }
    expect(takeAll(outgoing)).toEqual([{ userIds: ['ann'] }]);
  });

  it('leave out the sessions of a user who is named', () => {
    const outgoing = new OutgoingNotices();
    outgoing.add({ kind: 'session', sessionId: idOf(1), userId: 'ann' });
    outgoing.add({ kind: 'principal', userId: 'ann' });
    outgoing.add({ kind: 'session', sessionId: idOf(2), userId: 'ann' });
    expect(takeAll(outgoing)).toEqual([{ userIds: ['ann'] }]);
  });

  it('become one about everyone where they cannot be sent for long', () => {
    const outgoing = new OutgoingNotices();
    for (let index = 0; index < 20_000; index += 1) {
      outgoing.add({ kind: 'session', sessionId: idOf(index), userId: `user-${index}` });
    }
    expect(takeAll(outgoing)).toEqual([{ isEveryone: true }]);
    outgoing.add({ kind: 'principal', userId: 'ann' });
    expect(takeAll(outgoing)).toEqual([{ userIds: ['ann'] }]);
  });

  it('fit into messages that PostgreSQL takes, and none is lost', () => {
    const outgoing = new OutgoingNotices();
    const userIds = Array.from({ length: 200 }, (_, index) => '\u0001'.repeat(250) + index);
    for (const userId of userIds) outgoing.add({ kind: 'principal', userId });
    for (let index = 0; index < 500; index += 1) {
      outgoing.add({
        kind: 'session',
        sessionId: idOf(index),
        ...(index % 2 ? {} : { isLive: true }),
      });
    }
    const messages = takeAll(outgoing);
    for (const message of messages) {
      const bytes = Buffer.byteLength(encodeMessage({ from: FROM, ...message }));
      expect(bytes).toBeLessThanOrEqual(MAX_MESSAGE_BYTES);
    }
    expect(messages.flatMap((message) => message.userIds ?? [])).toEqual(userIds);
    const ids = messages.flatMap(({ sessionIds = [], liveIds = [] }) => [
      ...sessionIds,
      ...liveIds,
    ]);
    expect(new Set(ids).size).toBe(500);
    expect(ids).toHaveLength(500);
  });
});
