import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';

import type { SessionNotice } from '../core/session-channel.js';
import { captureLogs } from '../../../../test/support/captured-logger.js';
import { until } from '../../../../test/support/until.js';
import type { LinkListeners } from './channel-link.js';
import { LinkedChannel } from './linked-channel.js';

const SESSION = '0193a5f0-0000-7000-8000-000000000002';
const LEASE_MS = 150;

const logs = captureLogs();

/** A server in memory that can be told to fall silent, and to break. */
class Hub {
  readonly links = new Set<LinkListeners>();
  readonly sent: string[] = [];
  isSilent = false;
  /** Those whose messages the server does not take. */
  readonly refused = new Set<LinkListeners>();

  open = (listeners: LinkListeners) => {
    this.links.add(listeners);
    return {
      ready: Promise.resolve(),
      send: async (text: string) => {
        if (this.refused.has(listeners)) throw new Error('refused');
        this.sent.push(text);
        if (!this.isSilent) for (const link of this.links) link.onMessage(text);
      },
      cut: () => void this.links.delete(listeners),
    };
  };

  /** Breaks every link. */
  break(): void {
    for (const link of this.links) link.onLost(new Error('reset'));
  }
}

describe('a channel over a server', () => {
  let hub: Hub;
  const channels: LinkedChannel[] = [];

  function channel(leaseMs = LEASE_MS) {
    const linked = new LinkedChannel(async () => hub.open, leaseMs);
    const heard: SessionNotice[] = [];
    let gaps = 0;
    linked.subscribe((notice) => void heard.push(notice));
    linked.onGap(() => void (gaps += 1));
    channels.push(linked);
    return { linked, heard, gaps: () => gaps };
  }

  const holds = ({ linked }: { linked: LinkedChannel }): boolean =>
    linked.leaseExpiresAt > performance.now();

  beforeEach(() => {
    hub = new Hub();
    logs.length = 0;
  });

  afterEach(async () => {
    for (const linked of channels.splice(0)) await linked.close();
  });

  it('tells itself at once, and the others once', async () => {
    const [a, b] = [channel(), channel()];
    await Promise.all([a.linked.start(), b.linked.start()]);
    await until(() => holds(a) && holds(b));
    const notice = { kind: 'session', sessionId: SESSION } as const;
    a.linked.publish(notice);
    expect(a.heard).toEqual([notice]);
    await until(() => b.heard.length > 0);
    expect(b.heard).toEqual([notice]);
    expect(a.heard).toEqual([notice]);
  });

  it('holds no lease before a sign of life has come back', async () => {
    hub.isSilent = true;
    const a = channel();
    expect(holds(a)).toBe(false);
    await a.linked.start();
    await until(() => hub.sent.length > 0);
    expect(holds(a)).toBe(false);
  });

  it('counts the lease from when a sign of life was sent, not from when it came back', async () => {
    const a = channel(60_000);
    hub.isSilent = true;
    await a.linked.start();
    await until(() => hub.sent.length > 0);
    const sentBy = performance.now();
    await until(() => performance.now() - sentBy > 30);
    for (const link of hub.links) link.onMessage(hub.sent[0] ?? '');
    expect(a.linked.leaseExpiresAt).toBeLessThanOrEqual(sentBy + 60_000);
    expect(holds(a)).toBe(true);
  });

  it('tells of a gap before the lease holds again', async () => {
    const a = channel();
    const heldAtGap: boolean[] = [];
    a.linked.onGap(() => void heldAtGap.push(holds(a)));
    await a.linked.start();
    await until(() => holds(a));
    hub.break();
    await until(() => heldAtGap.length === 3 && holds(a));
    expect(heldAtGap).toEqual([false, false, false]);
  });

  it('gives up a link that has fallen silent, though it says nothing', async () => {
    const a = channel();
    await a.linked.start();
    await until(() => holds(a));
    const [first] = hub.links;
    hub.isSilent = true;
    await until(() => !holds(a));
    await until(() => !hub.links.has(first as LinkListeners));
    expect(a.gaps()).toBe(2);
    hub.isSilent = false;
    await until(() => holds(a));
    expect(a.gaps()).toBe(3);
  });

  it('sends what it could not send over its next link', async () => {
    const [a, b] = [channel(), channel()];
    await a.linked.start();
    const [first] = hub.links;
    await b.linked.start();
    await until(() => holds(a) && holds(b));
    hub.refused.add(first as LinkListeners);
    const notice = { kind: 'principal', userId: 'ann' } as const;
    a.linked.publish(notice);
    await until(() => b.heard.length > 0);
    expect(b.heard).toEqual([notice]);
    expect(hub.links.has(first as LinkListeners)).toBe(false);
  });

  it('takes a sign of life of another process, or one that it never sent, for no proof', async () => {
    const a = channel();
    hub.isSilent = true;
    await a.linked.start();
    await until(() => hub.sent.length > 0);
    const own = JSON.parse(hub.sent[0] ?? '') as { from: string };
    for (const forged of [
      { version: 1, from: own.from, beat: 99 },
      { version: 1, from: SESSION, beat: 1 },
    ]) {
      for (const link of hub.links) link.onMessage(JSON.stringify(forged));
      expect(holds(a)).toBe(false);
    }
  });

  it('counts and ignores what is not ours, and says so once', async () => {
    const a = channel();
    await a.linked.start();
    await until(() => holds(a));
    for (const link of hub.links)
      for (const text of ['', '{}', 'token=hunter2']) link.onMessage(text);
    expect(a.linked.ignoredMessageCount).toBe(3);
    expect(a.heard).toEqual([]);
    expect(logs.filter((line) => line.includes('not ours'))).toHaveLength(1);
    expect(logs.join('\n')).not.toContain('hunter2');
  });

  it('keeps a listener that throws from the others', async () => {
    const a = channel();
    a.linked.subscribe(() => {
      throw new Error('no');
    });
    const heard: SessionNotice[] = [];
    a.linked.subscribe((notice) => void heard.push(notice));
    a.linked.publish({ kind: 'everyone' });
    expect(heard).toEqual([{ kind: 'everyone' }]);
  });

  it('sends a burst in few messages', async () => {
    const a = channel(60_000);
    await a.linked.start();
    await until(() => holds(a));
    const before = hub.sent.length;
    for (let index = 0; index < 1000; index += 1) {
      const sessionId = `0193a5f0-0000-7000-8000-${String(index).padStart(12, '0')}`;
      a.linked.publish({ kind: 'session', sessionId, userId: `user-${index}` });
    }
    await until(() => hub.sent.length >= before + 6);
    expect(hub.sent.length - before).toBeLessThan(10);
  });

  it('sends what is left when it is closed, and nothing afterwards', async () => {
    const [a, b] = [channel(), channel()];
    await Promise.all([a.linked.start(), b.linked.start()]);
    await until(() => holds(a) && holds(b));
    a.linked.publish({ kind: 'everyone' });
    await a.linked.close();
    expect(b.heard).toEqual([{ kind: 'everyone' }]);
    const count = hub.sent.length;
    a.linked.publish({ kind: 'everyone' });
    await b.linked.close();
    expect(hub.links.size).toBe(0);
    expect(hub.sent.length).toBe(count);
  });
});
