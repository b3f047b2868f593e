import { readFileSync } from 'node:fs';

import { describe, expect, it } from '@jest/globals';
import ts from 'typescript';

/** Where the options of each interface are found, as paths begin. */
const PREFIXES: Readonly<Record<string, string>> = {
  SessionModuleOptions: '',
  SessionModuleExtras: '',
  SessionPolicyOptions: 'policies.*.',
  SessionPrincipalOptions: 'principal.',
  InvalidatingEventOptions: 'invalidateOn.*.',
  SessionCookieOptions: 'cookie.',
  InProcessJobsOptions: 'jobs.',
  BullmqJobsOptions: 'jobs.',
  NoJobsOptions: 'jobs.',
  ServerChannelOptions: 'channel.',
  NoChannelOptions: 'channel.',
  SessionCacheOptions: 'cache.',
  SessionPurgeOptions: 'purge.',
};

const root = new URL('../../', import.meta.url);
const read = (path: string): string => readFileSync(new URL(path, root), 'utf8');

interface Option {
  readonly path: string;
  /** The first word or number of the default, as far as it can be compared with prose. */
  readonly defaultValue: string | undefined;
}

function declaredOptions(): Option[] {
  const path = 'libs/session/src/session.options.ts';
  const source = ts.createSourceFile(path, read(path), ts.ScriptTarget.Latest, true);
  return source.statements
    .filter((statement) => ts.isInterfaceDeclaration(statement))
    .flatMap(({ name, members }) => {
      const prefix = PREFIXES[name.text];
      if (prefix === undefined)
        throw new Error(`Expected to know where ${name.text} is documented`);
      return members.map((member) => ({
        path: prefix + (member.name?.getText() ?? ''),
        defaultValue: /@defaultValue ('[^']*'|[\w,[\]]+)/.exec(member.getFullText())?.[1],
      }));
    });
}

function documentedOptions(): Map<string, string> {
  const rows = read('docs/options.md').matchAll(/^\| `([^`]+)` \| ([^|]+) \|/gm);
  return new Map([...rows].map(([, path = '', text = '']) => [path, text.trim()]));
}

describe('docs/options.md', () => {
  const declared = declaredOptions();
  const documented = documentedOptions();
  const paths = [...new Set(declared.map(({ path }) => path))];
  const isParent = (path: string): boolean => paths.some((other) => other.startsWith(`${path}.`));

  it('lists every option', () => {
    const missing = paths.filter((path) => !isParent(path) && !documented.has(path));
    expect(missing).toEqual([]);
  });

  it('lists no option that there is not', () => {
    expect([...documented.keys()].filter((path) => !paths.includes(path))).toEqual([]);
  });

  it('tells the defaults that the code tells', () => {
    const wrong = declared.filter(({ path, defaultValue }) => {
      const text = documented.get(path);
      const isProse = defaultValue !== undefined && /^[a-zA-Z]+$/.test(defaultValue);
      const isLiteral = !isProse || ['true', 'false', 'null'].includes(defaultValue ?? '');
      return text !== undefined && defaultValue !== undefined && isLiteral && text !== defaultValue;
    });
    expect(wrong).toEqual([]);
  });
});
