import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';

import { AppModule } from './app.module.js';
import { BOOT_OPTIONS } from './boot.js';
import type { Settings } from './config.js';

/** The web application on the adapter of the settings, not yet listening. Only that adapter's package is loaded. */
export async function createWeb(settings: Settings): Promise<INestApplication> {
  const { httpAdapter, trustProxy } = settings;
  const module = AppModule.register(settings);
  if (httpAdapter === 'fastify') {
    const { FastifyAdapter } = await import('@nestjs/platform-fastify');
    const adapter = new FastifyAdapter({ trustProxy: (_address, hop) => hop < trustProxy });
    return NestFactory.create(module, adapter, BOOT_OPTIONS);
  }
  const { ExpressAdapter } = await import('@nestjs/platform-express');
  const adapter = new ExpressAdapter();
  adapter.set('trust proxy', trustProxy);
  adapter.disable('x-powered-by');
  return NestFactory.create(module, adapter, BOOT_OPTIONS);
}

/** Listens, and returns the address that a browser on this machine opens. */
export async function listen(app: INestApplication, { host, port }: Settings): Promise<string> {
  await (host === undefined ? app.listen(port) : app.listen(port, host));
  const url = new URL(await app.getUrl());
  const isAnyAddress = ['[::]', '0.0.0.0', '[::1]', '127.0.0.1'].includes(url.hostname);
  if (isAnyAddress) url.hostname = 'localhost';
  return url.origin;
}
