import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../', import.meta.url));

const pages = ['README.md', ...readdirSync(`${root}docs`).map((name) => `docs/${name}`)];

/** TypeScript from the pages, by the name of a file that is not there, beside those that the snippets import. */
function snippets(): Map<string, string> {
  return new Map(
    pages.flatMap((page) =>
      [...readFileSync(root + page, 'utf8').matchAll(/^```ts\n([\s\S]*?)^```/gm)].map(
        ([, code = ''], index): [string, string] => [
          `${root}src/${basename(page, '.md')}.snippet-${index + 1}.ts`,
          code,
        ],
      ),
    ),
  );
}

function problemsOf(files: ReadonlyMap<string, string>): string[] {
  const config = ts.readConfigFile(`${root}tsconfig.json`, ts.sys.readFile);
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, root);
  const host = ts.createCompilerHost(options);
  const { fileExists, readFile } = host;
  host.fileExists = (path) => files.has(path) || fileExists(path);
  host.readFile = (path) => files.get(path) ?? readFile(path);
  const program = ts.createProgram([...files.keys()], { ...options, noEmit: true }, host);
  return [...files.keys()].flatMap((path) => {
    const source = program.getSourceFile(path);
    const diagnostics = [
      ...program.getSyntacticDiagnostics(source),
      ...program.getSemanticDiagnostics(source),
    ];
    return diagnostics.map(
      ({ messageText }) =>
        `${basename(path)}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    );
  });
}

/** The text that GitHub makes an anchor of. */
function anchorsOf(page: string): string[] {
  const headings = readFileSync(root + page, 'utf8').matchAll(/^#+ (.+)$/gm);
  return [...headings].map(([, text = '']) =>
    text
      .toLowerCase()
      .replaceAll(/[^\w\- ]/g, '')
      .replaceAll(' ', '-'),
  );
}

describe('README.md and docs/', () => {
  it('hold TypeScript that compiles against the public API', () => {
    const files = snippets();
    expect(files.size).toBeGreaterThan(5);
    expect(problemsOf(files)).toEqual([]);
  });

  it('link to files and headings that are there', () => {
    const all = [...pages, 'CONTRIBUTING.md', 'SECURITY.md', 'CHANGELOG.md'];
    const broken = all.flatMap((page) =>
      [...readFileSync(root + page, 'utf8').matchAll(/\]\(((?!https?:)[^)]+)\)/g)]
        .map(([, link = '']) => link)
        .filter((link) => {
          const [path = '', anchor] = link.split('#');
          const target = fileURLToPath(
            new URL(path === '' ? basename(page) : path, `file://${root}${page}`),
          );
          if (!ts.sys.fileExists(target) && !ts.sys.directoryExists(target)) return true;
          return anchor !== undefined && !anchorsOf(target.slice(root.length)).includes(anchor);
        })
        .map((link) => `${page}: ${link}`),
    );
    expect(broken).toEqual([]);
  });
});
