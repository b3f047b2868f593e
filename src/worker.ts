import type { INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

import { BootError } from './boot-error.js';
import { boot, BOOT_OPTIONS } from './boot.js';
import type { Settings } from './config.js';
import { WorkerModule } from './worker.module.js';

await boot(async (settings) => {
  const { jobs } = settings;
  if (jobs.driver !== 'bullmq') {
    throw new BootError(
      `Expected SESSION_JOBS=bullmq for a worker, got ${jobs.driver}. Set REDIS_URL, or start the web process alone.`,
    );
  }
  const app = await createWorker(settings);
  app.enableShutdownHooks(['SIGINT', 'SIGTERM'], { useProcessExit: true });
  return `Worker is ready: BullMQ on ${jobs.backend}`;
});

/** With a port it answers `GET /health`, on all addresses: a supervisor may ask from outside of the container. */
async function createWorker(settings: Settings): Promise<INestApplicationContext> {
  const module = WorkerModule.register(settings);
  const { workerHealthPort } = settings;
  if (workerHealthPort === undefined) {
    return NestFactory.createApplicationContext(module, BOOT_OPTIONS);
  }
  const { ExpressAdapter } = await import('@nestjs/platform-express');
  const app = await NestFactory.create(module, new ExpressAdapter(), BOOT_OPTIONS);
  await app.listen(workerHealthPort);
  return app;
}
