import { readFileSync } from 'node:fs';

import { describe, expect, it } from '@jest/globals';

import { SESSION_ERRORS } from '../../libs/session/src/core/errors.js';

const page = readFileSync(new URL('../../docs/errors.md', import.meta.url), 'utf8');

/** The sections of the page by their code. */
const sections = new Map(
  page
    .split(/^## /m)
    .slice(1)
    .map((section) => {
      const [heading = '', ...body] = section.split('\n');
      return [heading.replaceAll('`', '').trim(), body.join('\n')];
    }),
);

describe('docs/errors.md', () => {
  it('has a section for every code and none for another', () => {
    const headings = [...page.matchAll(/^## `(SESSION_[A-Z_]+)`$/gm)].map(([, code]) => code);
    expect(new Set(headings)).toEqual(new Set(Object.keys(SESSION_ERRORS)));
    expect(sections.size).toBe(headings.length);
  });

  it.each(Object.keys(SESSION_ERRORS))('says what %s means and what to do', (code) => {
    expect(sections.get(code)?.trim()).toMatch(/^[A-Z`][^]{20,}/);
    expect(sections.get(code)).toMatch(/^Cure: \S/m);
  });
});
