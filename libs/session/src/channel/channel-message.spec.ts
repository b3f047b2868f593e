import { describe, expect, it } from '@jest/globals';

import { decodeMessage, encodeMessage, MAX_MESSAGE_BYTES, noticesOf } from './channel-message.js';

const FROM = '0193a5f0-0000-7000-8000-000000000001';
const SESSION = '0193a5f0-0000-7000-8000-000000000002';
const LIVE = '0193a5f0-0000-7000-8000-000000000003';

describe('a message of the channel', () => {
  it('carries notices of every kind', () => {
    const message = { from: FROM, isEveryone: true, userIds: ['ann'], sessionIds: [SESSION] };
    const decoded = decodeMessage(encodeMessage({ ...message, liveIds: [LIVE] }));
    expect(noticesOf(decoded ?? { from: FROM })).toEqual([
      { kind: 'everyone' },
      { kind: 'principal', userId: 'ann' },
      { kind: 'session', sessionId: SESSION },
      { kind: 'session', sessionId: LIVE, isLive: true },
    ]);
  });

  it('carries a sign of life', () => {
    expect(decodeMessage(encodeMessage({ from: FROM, beat: 7 }))).toMatchObject({ beat: 7 });
  });

  it.each([
    ['no JSON', 'garbage'],
    ['nothing', ''],
    ['no object', '[1]'],
    ['null', 'null'],
    ['another version', JSON.stringify({ version: 2, from: FROM })],
    ['no version', JSON.stringify({ from: FROM, userIds: ['ann'] })],
    ['no sender', JSON.stringify({ version: 1, userIds: ['ann'] })],
    ['a sender that is no id', JSON.stringify({ version: 1, from: 'me' })],
    ['keys of somebody else', JSON.stringify({ version: 1, from: FROM, exec: 'rm' })],
    ['a list that is none', JSON.stringify({ version: 1, from: FROM, userIds: 'ann' })],
    ['ids that are none', JSON.stringify({ version: 1, from: FROM, sessionIds: ["'; drop"] })],
    ['user ids that are none', JSON.stringify({ version: 1, from: FROM, userIds: ['*'] })],
    ['a count that is none', JSON.stringify({ version: 1, from: FROM, beat: '1' })],
    ['a truth that is none', JSON.stringify({ version: 1, from: FROM, isEveryone: 1 })],
    [
      'more than a message may hold',
      JSON.stringify({ version: 1, from: FROM, userIds: ['x'.repeat(250)] }).padEnd(
        MAX_MESSAGE_BYTES + 1,
      ),
    ],
  ])('is ignored with %s', (_, text) => {
    expect(decodeMessage(text)).toBeUndefined();
  });
});
