import { describe, expect, it } from '@jest/globals';

import { BootError } from './boot-error.js';
import { dataSourceOptions } from './data-source.js';

describe('dataSourceOptions', () => {
  it.each([
    ['postgres://ada:p%40ss@db:5433/curfew', 'postgres'],
    ['postgresql://ada:p%40ss@db:5433/curfew', 'postgres'],
    ['mysql://ada:p%40ss@db:5433/curfew', 'mysql'],
    ['mariadb://ada:p%40ss@db:5433/curfew', 'mariadb'],
  ])('reads %s', (url, type) => {
    expect(dataSourceOptions(url)).toMatchObject({
      type,
      host: 'db',
      port: 5433,
      username: 'ada',
      password: 'p@ss',
      database: 'curfew',
    });
  });

  it('leaves the port to the driver where none is given', () => {
    expect(dataSourceOptions('postgres://[::1]/curfew')).not.toHaveProperty('port');
  });

  it('reads an IPv6 address without its brackets', () => {
    expect(dataSourceOptions('postgres://[::1]/curfew')).toMatchObject({ host: '::1' });
  });

  it.each([
    ['sqlite:data/app.sqlite', 'data/app.sqlite'],
    ['sqlite:/var/lib/app.sqlite', '/var/lib/app.sqlite'],
    ['sqlite:///var/lib/app.sqlite', '/var/lib/app.sqlite'],
  ])('reads %s', (url, database) => {
    expect(dataSourceOptions(url)).toMatchObject({ type: 'better-sqlite3', database });
  });

  it('encrypts, and verifies the certificate, where the URL asks for it', () => {
    expect(dataSourceOptions('postgres://db/curfew?sslmode=require')).toMatchObject({
      ssl: { rejectUnauthorized: true },
    });
  });

  it('refuses parameters that it would ignore', () => {
    const url = 'postgres://db/curfew?sslmode=prefer';
    expect(() => dataSourceOptions(url)).toThrow(BootError);
  });
});
