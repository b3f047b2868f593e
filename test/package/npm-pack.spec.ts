import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { promisify } from 'node:util';

import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';

const run = promisify(execFile);
const root = join(import.meta.dirname, '../..');

/** What a project needs beside the library: its required peers, one database driver and one HTTP platform. */
const PEERS = [
  '@nestjs/common',
  '@nestjs/core',
  '@nestjs/platform-express',
  '@nestjs/schedule',
  '@nestjs/typeorm',
  '@types/node',
  'better-sqlite3',
  'reflect-metadata',
  'rxjs',
  'typeorm',
  'typescript',
];

interface PackedFile {
  readonly path: string;
}

describe('the package as published', () => {
  let project: string;
  let packed: { filename: string; files: PackedFile[] };
  let server: ChildProcess | undefined;

  beforeAll(async () => {
    project = await mkdtemp(join(tmpdir(), 'curfew-package-'));
    await run('npm', ['run', 'build:lib'], { cwd: root });
    const library = join(root, 'libs/session');
    const pack = await run('npm', ['pack', '--json', '--pack-destination', project], {
      cwd: library,
    });
    packed = onlyPackage(JSON.parse(pack.stdout));
    await installProject(project, packed.filename);
    await run(process.execPath, ['node_modules/typescript/bin/tsc'], { cwd: project });
  }, 240_000);

  afterAll(async () => {
    // Only where a test failed before it stopped the server itself.
    server?.kill('SIGKILL');
    await rm(project, { recursive: true, force: true });
  });

  it('holds what its exports name, its licence and no test', () => {
    const paths = packed.files.map(({ path }) => path);
    const entryPoints = ['index', 'worker', 'testing', 'migrations', 'express-session'];
    for (const name of entryPoints) {
      expect(paths).toContain(`dist/${name}.js`);
      expect(paths).toContain(`dist/${name}.d.ts`);
    }
    expect(paths).toContain('LICENSE');
    expect(paths.filter((path) => path.includes('.spec.'))).toEqual([]);
    expect(paths.filter((path) => /^(src|test)\//.test(path))).toEqual([]);
  });

  it('names no optional peer in its types, but for the entry point that is about one', async () => {
    const declarations = packed.files
      .map(({ path }) => path)
      .filter((path) => path.endsWith('.d.ts') && !path.startsWith('dist/express-session'));
    expect(declarations.length).toBeGreaterThan(50);
    const { peerDependenciesMeta } = JSON.parse(
      await readFile(join(root, 'libs/session/package.json'), 'utf8'),
    ) as { peerDependenciesMeta: Record<string, { optional: boolean }> };
    const optional = Object.keys(peerDependenciesMeta);
    expect(optional).toContain('bullmq');
    const installed = join(project, 'node_modules/nestjs-curfew');
    for (const path of declarations) {
      const text = await readFile(join(installed, path), 'utf8');
      const imported = [...text.matchAll(/(?:from|import\() ?'([^']+)'/g)].map(([, name]) => name);
      expect(imported.filter((name) => optional.includes(name ?? ''))).toEqual([]);
    }
  });

  it('boots in an empty Nest project and serves a session', async () => {
    server = spawn(process.execPath, ['dist/main.js'], {
      cwd: project,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const url = await addressOf(server);
    expect((await fetch(`${url}/me`)).status).toBe(401);
    const login = await fetch(`${url}/login`, { method: 'POST' });
    expect(login.status).toBe(201);
    const cookie = login.headers.get('set-cookie') ?? '';
    expect(cookie).toMatch(/^__Host-Http-id=[A-Za-z0-9_-]{82}; .*HttpOnly/);
    const me = await fetch(`${url}/me`, { headers: { cookie: cookie.split(';')[0] ?? '' } });
    expect(await me.json()).toEqual({ userId: 'ada' });
    const exit = once(server, 'exit');
    server.kill('SIGTERM');
    await exit;
    server = undefined;
  });
});

/** npm 11 answers with a list, later ones with an object by package name. */
function onlyPackage(answer: unknown): { filename: string; files: PackedFile[] } {
  const [first] = Object.values(
    answer as Record<string, { filename: string; files: PackedFile[] }>,
  );
  if (first === undefined) throw new Error('npm pack answered with no package.');
  return first;
}

/** An empty project with the package and its peers, in the versions that this repository is locked to. */
async function installProject(project: string, tarball: string): Promise<void> {
  const lock = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { version: string }>;
  };
  const versions = PEERS.map((name) => [name, lock.packages[`node_modules/${name}`]?.version]);
  const manifest = {
    name: 'fixture-project',
    private: true,
    type: 'module',
    dependencies: { 'nestjs-curfew': `file:${tarball}`, ...Object.fromEntries(versions) },
  };
  await cp(join(import.meta.dirname, 'fixture-project'), project, { recursive: true });
  await writeFile(join(project, 'package.json'), JSON.stringify(manifest));
  const flags = ['--prefer-offline', '--no-audit', '--no-fund', '--ignore-scripts'];
  await run('npm', ['install', ...flags], { cwd: project });
  // The driver's binary is the one that was compiled for this repository; a second compilation takes a minute.
  const binary = 'node_modules/better-sqlite3/build';
  await cp(join(root, binary), join(project, binary), { recursive: true });
}

async function addressOf(server: ChildProcess): Promise<string> {
  if (server.stdout === null) throw new Error('The output of the project is not read.');
  for await (const line of createInterface({ input: server.stdout })) {
    const address = /^listening on (.+)$/.exec(line)?.[1];
    if (address !== undefined) return address;
  }
  throw new Error('The project ended before it listened.');
}
