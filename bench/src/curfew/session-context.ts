import 'reflect-metadata';

import { Module, type INestApplicationContext } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { SessionModuleOptions } from 'nestjs-curfew';

import { curfewImports } from './curfew-imports.js';

/** `SessionModule` without HTTP, over tables that are there, and without a purge of its own. */
export function startSessionContext(
  databaseUrl: string,
  options: Partial<SessionModuleOptions> = {},
): Promise<INestApplicationContext> {
  @Module({ imports: curfewImports(databaseUrl, options) })
  class ContextModule {}

  return NestFactory.createApplicationContext(ContextModule, { logger: ['error'] });
}
