import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { transformFile } from '@swc/core';

const root = fileURLToPath(new URL('../../', import.meta.url));

/** What a program of the tests may import. */
const FOLDERS = ['libs/session/src', 'test/support'];

/** The library and the support of the tests, as Node runs them without Jest. */
export interface CompiledProgram {
  /** Where a file of the repository is: `test/support/x.ts`. */
  path(source: string): string;
  remove(): void;
}

/** Compiles it in a folder of its own, in which packages are found as ever. */
export async function compileProgram(): Promise<CompiledProgram> {
  mkdirSync(join(root, 'dist'), { recursive: true });
  const directory = mkdtempSync(join(root, 'dist/program-'));
  const path = (source: string): string => join(directory, source.replace(/\.ts$/, '.js'));
  const sources = FOLDERS.flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts') && !/\.(spec|d)\.ts$/.test(name))
      .map((name) => join(folder, name)),
  );
  await Promise.all(
    sources.map(async (source) => {
      const { code } = await transformFile(join(root, source), {
        swcrc: false,
        module: { type: 'es6' },
        jsc: {
          target: 'es2023',
          parser: { syntax: 'typescript', decorators: true },
          transform: {
            legacyDecorator: true,
            decoratorMetadata: true,
            useDefineForClassFields: true,
            verbatimModuleSyntax: true,
          },
          keepClassNames: true,
        },
      });
      mkdirSync(dirname(path(source)), { recursive: true });
      writeFileSync(path(source), code);
    }),
  );
  return { path, remove: () => rmSync(directory, { recursive: true, force: true }) };
}
