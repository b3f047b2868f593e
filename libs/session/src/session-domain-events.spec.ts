import { EventEmitter2, EventEmitterModule } from '@nestjs/event-emitter';
import { Test, type TestingModule } from '@nestjs/testing';
import { describe, expect, it } from '@jest/globals';

import { createTestSessions } from '../../../test/support/session-service.js';
import { SessionService } from './core/session.service.js';
import { SessionDomainEvents } from './session-domain-events.js';
import { SESSION_OPTIONS } from './session.constants.js';
import { resolveSessionOptions } from './session.options-check.js';

function compile(
  invalidateOn: readonly string[],
  imports: readonly ReturnType<typeof EventEmitterModule.forRoot>[] = [],
): Promise<TestingModule> {
  return Test.createTestingModule({
    imports: [...imports],
    providers: [
      SessionDomainEvents,
      { provide: SessionService, useValue: createTestSessions().sessions },
      {
        provide: SESSION_OPTIONS,
        useValue: resolveSessionOptions({ secret: 's'.repeat(32), invalidateOn }),
      },
    ],
  }).compile();
}

describe('SessionDomainEvents', () => {
  it('listens from start to shutdown', async () => {
    const module = await compile(['user.left'], [EventEmitterModule.forRoot()]);
    const emitter = module.get(EventEmitter2);
    await module.init();
    expect(emitter.listenerCount('user.left')).toBe(1);
    await module.close();
    expect(emitter.listenerCount('user.left')).toBe(0);
  });

  it('refuses to start without an emitter to listen to', async () => {
    const module = await compile(['user.left']);
    await expect(module.init()).rejects.toMatchObject({
      code: 'SESSION_OPTIONS_INVALID',
      message: expect.stringContaining('EventEmitterModule.forRoot()'),
    });
  });

  it('asks for no emitter where no event ends sessions', async () => {
    const module = await compile([]);
    await module.init();
    await expect(module.close()).resolves.toBeUndefined();
  });
});
