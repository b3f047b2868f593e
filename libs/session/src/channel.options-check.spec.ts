import { describe, expect, it } from '@jest/globals';

import { resolveSessionOptions } from './session.options-check.js';
import type { SessionJobsOptions, SessionModuleOptions } from './session.options.js';

const connection = { url: 'redis://localhost' };
const secret = 's'.repeat(32);

function channelOf(options: Partial<SessionModuleOptions>) {
  return resolveSessionOptions({ secret, ...options }).channel;
}

describe('the option `channel`', () => {
  it('is the server of the queue where nothing else is said', () => {
    expect(channelOf({ jobs: { driver: 'bullmq', connection } })).toEqual({
      driver: 'redis',
      connection,
      name: 'curfew:session:notices',
    });
    const jobs: SessionJobsOptions = {
      driver: 'bullmq',
      backend: 'postgres',
      connection,
      prefix: 'shop',
      queueName: 'ends',
    };
    expect(channelOf({ jobs })).toEqual({
      driver: 'postgres',
      connection,
      name: 'shop:ends:notices',
    });
  });

  it('is none without a queue', () => {
    expect(channelOf({})).toEqual({ driver: 'none' });
    expect(channelOf({ jobs: { driver: 'none' } })).toEqual({ driver: 'none' });
  });

  it('is what is said', () => {
    const jobs: SessionJobsOptions = { driver: 'bullmq', connection, prefix: 'shop' };
    expect(channelOf({ jobs, channel: { driver: 'none' } })).toEqual({ driver: 'none' });
    expect(channelOf({ jobs, channel: { driver: 'postgres', connection } })).toMatchObject({
      name: 'shop:session:notices',
    });
    expect(channelOf({ channel: { driver: 'redis', connection, prefix: 'a' } })).toMatchObject({
      name: 'a:notices',
    });
  });

  it.each<[string, object, string]>([
    [
      'no driver',
      { connection },
      'Expected `channel.driver` to be "redis" or "postgres" or "none"',
    ],
    ['no connection', { driver: 'redis' }, 'Expected `channel.connection` to be an object'],
    ['a prefix that is none', { driver: 'redis', connection, prefix: "'" }, '`channel.prefix`'],
    ['more than it has', { driver: 'none', connection }, 'Expected no option `channel.connection`'],
  ])('refuses %s', (_, channel, problem) => {
    expect(() => channelOf({ channel: channel as never })).toThrow(problem);
  });

  it('refuses a name that PostgreSQL would refuse', () => {
    const jobs: SessionJobsOptions = {
      driver: 'bullmq',
      backend: 'postgres',
      connection,
      prefix: 'x'.repeat(60),
    };
    expect(() => channelOf({ jobs })).toThrow('Set `channel.prefix`');
    expect(
      channelOf({ jobs, channel: { driver: 'postgres', connection, prefix: 'x' } }),
    ).toMatchObject({
      name: 'x:notices',
    });
  });
});
