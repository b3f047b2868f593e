import type { Provider } from '@nestjs/common';
import { APP_GUARD, APP_INTERCEPTOR } from '@nestjs/core';

import { OpenConnections } from './http/open-connections.js';
import { SessionGuard } from './http/session.guard.js';
import { SessionInterceptor } from './http/session.interceptor.js';
import { SocketConnections } from './http/socket-connections.js';
import { StreamConnections } from './http/stream-connections.js';
import { SESSION_GLOBAL_GUARD } from './session.constants.js';

/** What stands between the application's handlers and the network: the guard and the interceptor, both global. */
export function sessionHttpProviders(globalGuard: boolean): Provider[] {
  return [
    { provide: SESSION_GLOBAL_GUARD, useValue: globalGuard },
    OpenConnections,
    SocketConnections,
    StreamConnections,
    SessionGuard,
    SessionInterceptor,
    { provide: APP_GUARD, useExisting: SessionGuard },
    { provide: APP_INTERCEPTOR, useExisting: SessionInterceptor },
  ];
}
