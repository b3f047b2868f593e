import { existsSync, readFileSync } from 'node:fs';

import { describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';

interface Service {
  readonly command?: readonly string[];
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly deploy?: { readonly replicas: number };
  readonly environment: Readonly<Record<string, string>>;
  readonly healthcheck?: { readonly test: readonly string[] };
  readonly image: string;
  readonly ports?: readonly string[];
}

const root = new URL('../../', import.meta.url);
const { services } = parse(readFileSync(new URL('docker-compose.yml', root), 'utf8'), {
  merge: true,
}) as { services: Record<string, Service> };

const service = (name: string): Service => {
  const found = services[name];
  if (found === undefined) throw new Error(`Expected a service ${name}`);
  return found;
};

describe('docker-compose.yml', () => {
  it('describes a database, a queue, the migrations, a web process and workers', () => {
    expect(Object.keys(services).toSorted()).toEqual([
      'migrate',
      'postgres',
      'redis',
      'web',
      'worker',
    ]);
  });

  it('runs one web process and two workers', () => {
    expect(service('web').deploy).toBeUndefined();
    expect(service('worker').deploy).toEqual({ replicas: 2 });
  });

  it.each(['migrate', 'web', 'worker'])('starts an entry file that exists: %s', (name) => {
    const [program, file] = service(name).command ?? [];
    expect(program).toBe('node');
    expect(file).toMatch(/^dist\/src\/\w+\.js$/);
    const source = file!.replace(/^dist\/(.*)\.js$/, '$1.ts');
    expect(existsSync(new URL(source, root))).toBe(true);
  });

  it('checks the health of all that serve', () => {
    const checked = Object.keys(services).filter((name) => service(name).healthcheck);
    expect(checked.toSorted()).toEqual(['postgres', 'redis', 'web', 'worker']);
    expect(service('web').healthcheck?.test.join(' ')).toContain(':3000/health');
    const port = service('worker').environment['WORKER_HEALTH_PORT'];
    expect(service('worker').healthcheck?.test.join(' ')).toContain(`:${port}/health`);
  });

  it('starts the app only on a migrated database', () => {
    const migrated = { condition: 'service_completed_successfully' };
    expect(service('migrate').depends_on).toEqual({ postgres: { condition: 'service_healthy' } });
    expect(service('web').depends_on).toEqual({ migrate: migrated });
    expect(service('worker').depends_on).toEqual({
      migrate: migrated,
      redis: { condition: 'service_healthy' },
    });
  });

  it('lets Redis keep the queue', () => {
    const command = service('redis').command?.join(' ');
    expect(command).toContain('--maxmemory-policy noeviction');
    expect(command).toContain('--appendonly yes');
  });

  it.each(['migrate', 'web', 'worker'])('gives all of the app one environment: %s', (name) => {
    const { environment } = service(name);
    expect(environment).toEqual(service('web').environment);
    expect(environment['DATABASE_URL']).toMatch(/^postgres:\/\/.*@postgres:5432\//);
    expect(environment['REDIS_URL']).toBe('redis://redis:6379');
  });

  it('has no secret of its own', () => {
    expect(service('web').environment['SESSION_SECRET']).toMatch(/^\$\{SESSION_SECRET:\?/);
  });

  it('opens no port but that of the web process', () => {
    const open = Object.keys(services).filter((name) => service(name).ports);
    expect(open).toEqual(['web']);
  });
});
