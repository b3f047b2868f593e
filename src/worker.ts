import { NestFactory } from '@nestjs/core';

import { BootError } from './boot-error.js';
import { boot, BOOT_OPTIONS } from './boot.js';
import { WorkerModule } from './worker.module.js';

await boot(async (settings) => {
  const { jobs } = settings;
  if (jobs.driver !== 'bullmq') {
    throw new BootError(
      `Expected SESSION_JOBS=bullmq for a worker, got ${jobs.driver}. Set REDIS_URL, or start the web process alone.`,
    );
  }
  const app = await NestFactory.createApplicationContext(
    WorkerModule.register(settings),
    BOOT_OPTIONS,
  );
  app.enableShutdownHooks(['SIGINT', 'SIGTERM'], { useProcessExit: true });
  return `Worker is ready: BullMQ on ${jobs.backend}`;
});
