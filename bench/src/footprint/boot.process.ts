import 'reflect-metadata';

import { handle } from '../processes/handlers.js';

/** What an application is made of, each with all of the one before. */
export type BootKind = 'nest' | 'nest-typeorm' | 'nest-typeorm-curfew';

export interface BootInput {
  readonly kind: BootKind;
  readonly databaseUrl: string;
}

export interface BootReport {
  /** Until the modules are loaded, and from then until requests are taken, in milliseconds. */
  readonly loadMs: number;
  readonly startMs: number;
  readonly rssBytes: number;
}

handle({
  /** Once in a process: afterwards everything is loaded. */
  async boot({ kind, databaseUrl }: BootInput): Promise<BootReport> {
    const start = performance.now();
    const [{ NestFactory }, { FastifyAdapter }, module] = await Promise.all([
      import('@nestjs/core'),
      import('@nestjs/platform-fastify'),
      moduleOf(kind, databaseUrl),
    ]);
    const loadedAt = performance.now();
    const app = await NestFactory.create(module, new FastifyAdapter(), { logger: false });
    await app.listen(0, '127.0.0.1');
    return {
      loadMs: loadedAt - start,
      startMs: performance.now() - loadedAt,
      rssBytes: process.memoryUsage.rss(),
    };
  },
});

async function moduleOf(kind: BootKind, databaseUrl: string) {
  const { NoSessionsModule } = await import('../request/no-sessions.module.js');
  if (kind === 'nest') return NoSessionsModule;
  if (kind === 'nest-typeorm-curfew')
    return (await import('../request/curfew.module.js')).CurfewModule.forRoot(databaseUrl);
  const { TypeOrmModule } = await import('@nestjs/typeorm');
  const database = TypeOrmModule.forRoot({ type: 'postgres', url: databaseUrl });
  return { module: NoSessionsModule, imports: [database] };
}
