import type { Provider } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';

import { SessionGuard } from './http/session.guard.js';
import { SessionInterceptor } from './http/session.interceptor.js';
import { SESSION_GLOBAL_GUARD } from './session.constants.js';

/** What stands between the application's handlers and the network: the guard and the interceptor, both global. */
export function sessionHttpProviders(globalGuard: boolean): Provider[] {
  return [
    { provide: SESSION_GLOBAL_GUARD, useValue: globalGuard },
    SessionGuard,
    SessionInterceptor,
    { provide: APP_GUARD, useExisting: SessionGuard },
    { provide: APP_INTERCEPTOR, useExisting: SessionInterceptor },
  ];
}
