import { mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

import { afterAll } from '@jest/globals';
import { transformFile, type Options } from '@swc/core';

const root = fileURLToPath(new URL('../../', import.meta.url));

/**
 * Compiles sources for real processes, as Jest compiles them for tests; removed after this test file.
 * @param name of the directory below `dist`, of this test file only.
 * @param folders by default the reference app and the library
 * @returns that directory: it holds the folders.
 */
export async function compileSources(
  name: string,
  folders: readonly string[] = ['src', 'libs/session/src'],
): Promise<string> {
  const directory = join(root, 'dist', name);
  afterAll(() => rmSync(directory, { recursive: true, force: true }));
  const options = await compilerOptions();
  await Promise.all(
    folders.flatMap(sourcesIn).map(async (source) => {
      const { code } = await transformFile(join(root, source), options);
      write(join(directory, source.replace(/\.ts$/, '.js')), code);
    }),
  );
  // The app imports the library by its name, and this is a package that may name itself.
  const exports = { '.': './libs/session/src/index.js', './*': './libs/session/src/*.js' };
  write(
    join(directory, 'package.json'),
    JSON.stringify({ name: 'nestjs-curfew', type: 'module', exports }),
  );
  return directory;
}

function sourcesIn(folder: string): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && !file.endsWith('.spec.ts'))
    .map((file) => join(folder, file));
}

async function compilerOptions(): Promise<Options> {
  const url = pathToFileURL(join(root, 'jest.config.js')).href;
  const { default: jest } = (await import(url)) as {
    default: { transform: Record<string, [string, Options]> };
  };
  const [transform] = Object.values(jest.transform);
  return { ...transform?.[1], sourceMaps: false };
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
