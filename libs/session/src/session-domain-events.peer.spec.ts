import { expect, it, jest } from '@jest/globals';
import type { ModuleRef } from '@nestjs/core';

import { createTestSessions } from '../../../test/support/session-service.js';

jest.unstable_mockModule('@nestjs/event-emitter', () => {
  throw Object.assign(new Error("Cannot find package '@nestjs/event-emitter'"), {
    code: 'ERR_MODULE_NOT_FOUND',
  });
});

it('names the package that invalidateOn needs where it is not installed', async () => {
  const { SessionDomainEvents } = await import('./session-domain-events.js');
  const { resolveSessionOptions } = await import('./session.options-check.js');
  const options = resolveSessionOptions({ secret: 's'.repeat(32), invalidateOn: ['user.left'] });
  const { sessions } = createTestSessions();
  const domainEvents = new SessionDomainEvents(options, sessions, {} as ModuleRef);
  await expect(domainEvents.onModuleInit()).rejects.toMatchObject({
    code: 'SESSION_PEER_MISSING',
    message: expect.stringContaining('npm install @nestjs/event-emitter'),
  });
});
