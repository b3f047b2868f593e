import { randomBytes } from 'node:crypto';

import { afterEach } from '@jest/globals';

import { createSessionChannel } from '../../libs/session/src/session-channel.providers.js';
import type { ResolvedChannelOptions } from '../../libs/session/src/channel.options-check.js';
import type { SessionChannel, SessionNotice } from '../../libs/session/src/core/session-channel.js';
import { until } from './until.js';

/** The channel of one process, and what it heard. */
export interface TestChannel {
  readonly channel: SessionChannel;
  readonly heard: readonly SessionNotice[];
  readonly gapCount: number;
  readonly holdsLease: boolean;
}

/** A name that no other test uses. */
export const channelName = (): string => `curfew-test-${randomBytes(6).toString('hex')}`;

/** Opens channels that are closed after each test of the block. */
export function channelOpener(): (server: ResolvedChannelOptions) => Promise<TestChannel> {
  const open: SessionChannel[] = [];
  afterEach(async () => {
    await Promise.all(open.splice(0).map((channel) => channel.close()));
  });
  return async (server) => {
    const channel = createSessionChannel({ channel: server });
    open.push(channel);
    const heard: SessionNotice[] = [];
    let gapCount = 0;
    channel.subscribe((notice) => void heard.push(notice));
    channel.onGap(() => void (gapCount += 1));
    await channel.start();
    return {
      channel,
      heard,
      get gapCount() {
        return gapCount;
      },
      get holdsLease() {
        return channel.leaseExpiresAt > performance.now();
      },
    };
  };
}

export async function untilLeased(...channels: readonly TestChannel[]): Promise<void> {
  await until(() => channels.every(({ holdsLease }) => holdsLease));
}
