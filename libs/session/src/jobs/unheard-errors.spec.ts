import { EventEmitter } from 'node:events';

import { describe, expect, it } from '@jest/globals';

import { ignoreUnheardErrors } from './unheard-errors.js';

const lost = new Error('Connection terminated unexpectedly');

describe('ignoreUnheardErrors', () => {
  const open = () => {
    const client = new EventEmitter();
    ignoreUnheardErrors(client);
    return client;
  };

  it('outlives an error that nobody listens to, also after the listeners were removed', () => {
    const client = open();
    expect(client.emit('error', lost)).toBe(false);
    client.on('error', () => {});
    client.removeAllListeners();
    expect(client.emit('error', lost)).toBe(false);
  });

  it('tells listeners of it, and of all else', () => {
    const heard: unknown[] = [];
    const client = open();
    client.once('error', (error) => heard.push(error));
    client.once('end', () => heard.push('end'));
    expect([client.emit('error', lost), client.emit('end')]).toEqual([true, true]);
    expect(heard).toEqual([lost, 'end']);
  });
});
