import { describe, expect, it } from '@jest/globals';
import { type ExecutionContext, HttpException, Logger } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { lastValueFrom, of, throwError } from 'rxjs';
import { QueryFailedError } from 'typeorm';

import { DatabaseErrorInterceptor } from './database-error.interceptor.js';

Logger.overrideLogger(false);

const headers = new Map<string, string>();
const adapterHost = {
  httpAdapter: {
    setHeader: (_response: unknown, name: string, value: string) => headers.set(name, value),
  },
} as unknown as HttpAdapterHost;
const context = { switchToHttp: () => ({ getResponse: () => ({}) }) } as ExecutionContext;

const answerTo = async (error: unknown): Promise<unknown> => {
  const handled = new DatabaseErrorInterceptor(adapterHost).intercept(context, {
    handle: () => throwError(() => error),
  });
  return lastValueFrom(handled).catch((thrown: unknown) => thrown);
};

const failedQuery = (code: string): QueryFailedError =>
  new QueryFailedError(
    'insert into users values ($1)',
    ['a hash'],
    Object.assign(new Error('Key (email)=(ada@example.org) already exists'), { code }),
  );

describe('DatabaseErrorInterceptor', () => {
  it.each([
    Object.assign(new Error('connect'), { code: 'ECONNREFUSED' }),
    Object.assign(new Error('gone'), { code: 'PROTOCOL_CONNECTION_LOST' }),
    new Error('Connection terminated unexpectedly'),
    failedQuery('57P01'),
    failedQuery('25006'),
    failedQuery('ER_OPTION_PREVENTS_STATEMENT'),
  ])('answers 503 for an outage: %s', async (error) => {
    const answer = await answerTo(error);
    expect(answer).toBeInstanceOf(HttpException);
    expect((answer as HttpException).getStatus()).toBe(503);
    expect(headers.get('Retry-After')).toBe('1');
  });

  it('keeps no parameter, address or statement of a failed query', async () => {
    const { message, cause, stack, ...rest } = (await answerTo(failedQuery('23505'))) as Error;
    expect(message).toBe('a query failed: 23505');
    expect(cause).toBeUndefined();
    expect(stack).not.toMatch(/hash'|ada@|insert into/);
    expect(rest).toEqual({});
  });

  it('leaves other errors as they are', async () => {
    const error = new TypeError('a fault of ours');
    expect(await answerTo(error)).toBe(error);
  });

  it('leaves answers as they are', async () => {
    const handled = new DatabaseErrorInterceptor(adapterHost).intercept(context, {
      handle: () => of('fine'),
    });
    expect(await lastValueFrom(handled)).toBe('fine');
  });
});
