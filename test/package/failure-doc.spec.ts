import { existsSync, readFileSync } from 'node:fs';

import { describe, expect, it } from '@jest/globals';

const url = new URL('../../docs/failure.md', import.meta.url);
const page = readFileSync(url, 'utf8');

/** The tests that the page names: title and file. */
const links = [...page.matchAll(/\[([^\]]+)\]\((\.\.\/(?:test|libs)\/[^)]+)\)/g)].map(
  ([, title = '', path = '']) => [title, path] as const,
);

/** The titles of the tests in a file, as they are written there. */
function titlesOf(path: string): string[] {
  const source = readFileSync(new URL(path, url), 'utf8');
  const calls = source.matchAll(/\bit(?:\.each\([^]*?\))?\(\s*(['"`])((?:\\.|(?!\1)[^\\])+)\1/g);
  return [...calls].map(([, , title = '']) => title.replaceAll('\\', ''));
}

describe('docs/failure.md', () => {
  it('names a test in every row of its tables', () => {
    const rows = page.split('\n').filter((line) => /^\| (?!what fails|---)/.test(line));
    expect(rows.length).toBeGreaterThan(0);
    expect(rows.filter((row) => !/\]\(\.\.\/(?:test|libs)\//.test(row))).toEqual([]);
  });

  it.each(links)('names a test that exists: %s', (title, path) => {
    expect(existsSync(new URL(path, url))).toBe(true);
    expect(titlesOf(path)).toContain(title);
  });
});
