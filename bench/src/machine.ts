import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { cpus, release, totalmem, type as system } from 'node:os';

import type { Servers } from './servers/servers.js';

const PACKAGES = [
  '@nestjs/core',
  'fastify',
  'express',
  'typeorm',
  'nestjs-curfew',
  'pg',
  'mysql2',
  'better-sqlite3',
  'ioredis',
  'express-session',
  'connect-pg-simple',
  'connect-redis',
  '@fastify/session',
];

/** What the numbers depend on. Nothing that says whose machine it is. */
export function describeMachine(): Readonly<Record<string, string | number>> {
  const processors = cpus();
  return {
    cpu: processors[0]?.model.trim() ?? 'unknown',
    cores: processors.length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    os: `${system()} ${release()}`,
  };
}

export async function describeVersions(
  servers: Servers,
): Promise<Readonly<Record<string, string>>> {
  const versions: Record<string, string> = { node: process.versions.node };
  for (const [name, server] of Object.entries(servers)) versions[name] = await server.version();
  for (const name of PACKAGES) versions[name] = versionOf(name);
  // As it is known: its package has the name of the server.
  versions['node-redis'] = versionOf('redis');
  return versions;
}

function versionOf(name: string): string {
  const folders = createRequire(import.meta.url).resolve.paths(name) ?? [];
  for (const folder of folders) {
    try {
      const manifest: unknown = JSON.parse(readFileSync(`${folder}/${name}/package.json`, 'utf8'));
      return (manifest as { version: string }).version;
    } catch {
      // Not in this folder: the packages of the bench are below it, those of the library above.
    }
  }
  return 'not installed';
}
