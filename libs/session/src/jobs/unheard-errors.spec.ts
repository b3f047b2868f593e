import { EventEmitter } from 'node:events';
import { setImmediate } from 'node:timers/promises';

import { describe, expect, it } from '@jest/globals';

import { keepUnheardErrors } from './unheard-errors.js';

const lost = new Error('Connection terminated unexpectedly');

describe('keepUnheardErrors', () => {
  const open = () => {
    const client = new EventEmitter();
    keepUnheardErrors(client);
    return client;
  };

  it('gives an error that nobody listens to to the next listener, once', async () => {
    const heard: unknown[] = [];
    const client = open();
    client.emit('error', lost);
    client.on('error', (error) => heard.push(error));
    expect(heard).toEqual([]);
    await setImmediate();
    client.on('error', () => {});
    await setImmediate();

    expect(heard).toEqual([lost]);
  });

  it('outlives an error after its listeners were removed', () => {
    const client = open();
    client.on('error', () => {});
    client.removeAllListeners();
    expect(client.emit('error', lost)).toBe(false);
  });

  it('tells its listeners at once', () => {
    const heard: unknown[] = [];
    const client = open();
    client.once('error', (error) => heard.push(error));
    expect(client.emit('error', lost)).toBe(true);
    expect(heard).toEqual([lost]);
  });
});
