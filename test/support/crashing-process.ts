// A process of an application that kills itself at the point which its argument names. What it announces it writes to
// its standard output first, at once: a line with the id of the session.
import { writeSync } from 'node:fs';

import { ModuleRef, NestFactory } from '@nestjs/core';
import { DataSource } from 'typeorm';

import { SessionEvents } from '../../libs/session/src/core/session-events.js';
import { SessionStore } from '../../libs/session/src/core/session-store.js';
import { SessionService } from '../../libs/session/src/core/session.service.js';
import { crashModule, type CrashProcess } from './crash-app.js';
import { planOf, type CrashPoint, type CrashScene } from './crash-points.js';

/** What the process is told. */
export interface CrashOrder extends Pick<CrashProcess, 'database' | 'jobs'> {
  readonly point: CrashPoint;
  readonly userId: string;
  readonly token: string;
}

const { point, userId, token, ...given } = JSON.parse(process.argv[2] ?? '') as CrashOrder;
const plan = planOf(point);
const app = await NestFactory.createApplicationContext(
  crashModule({ ...given, role: plan.role }, [
    {
      provide: 'scene',
      inject: [SessionEvents, SessionService, DataSource, ModuleRef],
      // Made before any job runs.
      async useFactory(
        events: SessionEvents,
        sessions: SessionService,
        dataSource: DataSource,
        modules: ModuleRef,
      ): Promise<CrashScene> {
        const store = modules.get(SessionStore, { strict: false });
        const scene = { events, store, sessions, dataSource, userId, token };
        for (const name of ['session:revoked', 'session:expired'] as const) {
          events.on(name, ({ sessionId }) => void writeSync(1, `announced ${sessionId}\n`));
        }
        await plan.arm?.(scene);
        return scene;
      },
    },
  ]),
  { logger: ['warn', 'error'] },
);
if (plan.act !== undefined) {
  await plan.act(app.get<CrashScene>('scene'));
  throw new Error(`Expected to be dead ${point}`);
}
