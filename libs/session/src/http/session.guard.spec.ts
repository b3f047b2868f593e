import 'reflect-metadata';

import { describe, expect, it } from '@jest/globals';
import type { ExecutionContext } from '@nestjs/common';
import { Reflector } from '@nestjs/core';

import { captureLogs } from '../../../../test/support/captured-logger.js';
import { createTestSessions } from '../../../../test/support/session-service.js';
import { resolveSessionOptions } from '../session.options-check.js';
import { SkipSession } from './access.decorators.js';
import { SessionGuard } from './session.guard.js';

captureLogs();

class Gateway {
  message(): void {}
  @SkipSession() open(): void {}
}

function guard(): SessionGuard {
  const { sessions, events } = createTestSessions();
  const options = resolveSessionOptions({ secret: 'a secret of at least thirty-two bytes' });
  return new SessionGuard(sessions, events, new Reflector(), options);
}

function contextOf(method: 'message' | 'open', type: string): ExecutionContext {
  return {
    getType: () => type,
    getHandler: () => Gateway.prototype[method],
    getClass: () => Gateway,
  } as unknown as ExecutionContext;
}

describe.each(['rpc', 'of the future'])('SessionGuard for the transport %s', (type) => {
  it('lets nobody in, and says what to do', async () => {
    const enter = async () => guard().canActivate(contextOf('message', type));
    await expect(enter()).rejects.toThrow(/SESSION_CONTEXT_MISSING.*@SkipSession/);
  });

  it('stays away from handlers with @SkipSession()', () => {
    expect(guard().canActivate(contextOf('open', type))).toBe(true);
  });
});
