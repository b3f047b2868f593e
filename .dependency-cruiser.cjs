// The house rules on imports: docs and design name the rooms, this file keeps them apart.
//
//   src → libs/session root → http → channel → jobs → invalidation → purge, store, cache → core
//
// The options and the constants of the root are leaves that http reads too.

const lib = '^libs/session/src/';
const spec = '\\.spec\\.ts$';
const testSupport = '^test/support/';

/** What each room may import of its siblings. Rooms on one level do not know each other. */
const rooms = {
  core: [],
  store: ['core'],
  purge: ['core'],
  cache: ['core'],
  invalidation: ['store', 'core'],
  jobs: ['invalidation', 'purge', 'store', 'core'],
  channel: ['jobs', 'core'],
  health: ['jobs', 'core'],
  metrics: ['jobs', 'core'],
  http: ['channel', 'invalidation', 'jobs', 'purge', 'store', 'core'],
  'express-session': ['core'],
  testing: ['core'],
};

/** The packages a room may import. A room that is not listed may use every dependency of the library. */
const packages = {
  core: [],
  store: ['typeorm'],
  purge: [],
  cache: ['lru-cache'],
  invalidation: ['typeorm', '@nestjs/common'],
  'express-session': ['express-session', 'express'],
  testing: [],
};

const entryPoints = 'index|worker|testing|migrations|express-session';
const leaves = `${lib}session\\.(constants|options|options-check)\\.ts$`;
const roomOf = (names) => `${lib}(${names.join('|')})/`;
const packageOf = (names) => `(^|/)node_modules/(@types/)?(${names.join('|')})/`;

const roomRules = Object.entries(rooms).flatMap(([room, allowed]) => [
  {
    name: `${room}-imports-downwards`,
    comment: `${room} may import ${[room, ...allowed].join(', ')} and nothing else of the library.`,
    severity: 'error',
    from: { path: roomOf([room]), pathNot: spec },
    to: { path: lib, pathNot: [roomOf([room, ...allowed]), ...(room === 'http' ? [leaves] : [])] },
  },
  {
    name: `${room}-spec-imports`,
    comment: `A spec of ${room} may import what ${room} may, plus testing and test/support.`,
    severity: 'error',
    from: { path: `${roomOf([room])}.*${spec}` },
    to: {
      path: '^(libs|src|test)/',
      pathNot: [roomOf([room, ...allowed, 'testing']), testSupport, leaves],
    },
  },
]);

const packageRules = Object.entries(packages).map(([room, allowed]) => ({
  name: `${room}-packages`,
  comment: `${room} may import node: modules and ${allowed.join(', ') || 'no package'}.`,
  severity: 'error',
  from: { path: roomOf([room]), pathNot: spec },
  to: {
    dependencyTypes: [
      'npm',
      'npm-dev',
      'npm-optional',
      'npm-peer',
      'npm-bundled',
      'npm-no-pkg',
      'npm-unknown',
    ],
    ...(allowed.length > 0 && { pathNot: packageOf(allowed) }),
  },
}));

/** @type {import('dependency-cruiser').IConfiguration} */
module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'resolvable',
      comment: 'A misspelt path, or a package that is not installed.',
      severity: 'error',
      from: {},
      to: { couldNotResolve: true },
    },
    {
      name: 'listed-packages',
      comment: 'Whoever imports a package lists it in its own package.json.',
      severity: 'error',
      from: { path: '^(libs|src)/', pathNot: spec },
      to: {
        dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'],
        dependencyTypesNot: ['type-only', 'npm', 'npm-peer'],
      },
    },

    ...roomRules,
    ...packageRules,

    {
      name: 'crypto-in-session-token-only',
      comment: 'Every secret is made, derived and compared in one file.',
      severity: 'error',
      from: { path: lib, pathNot: [spec, `${lib}core/session-token\\.ts$`] },
      to: { path: '^(node:)?crypto$' },
    },
    {
      name: 'optional-peers-on-demand',
      comment:
        'An optional peer is loaded by a dynamic import where an option asks for it; its types are free.',
      severity: 'error',
      from: { path: lib, pathNot: spec },
      to: {
        path: packageOf([
          'bullmq',
          'ioredis',
          'pg',
          '@nestjs/schedule',
          '@nestjs/event-emitter',
          '@nestjs/websockets',
          '@opentelemetry/api',
        ]),
        dependencyTypesNot: ['type-only'],
        dynamic: false,
      },
    },
    {
      name: 'library-stands-alone',
      comment: 'The library knows neither the reference app nor, outside its specs, the tests.',
      severity: 'error',
      from: { path: '^libs/', pathNot: spec },
      to: { path: '^(src|test|bench)/' },
    },
    {
      name: 'root-spec-imports',
      severity: 'error',
      from: { path: `${lib}[^/]+${spec}` },
      to: { path: '^(src|test|bench)/', pathNot: testSupport },
    },
    {
      name: 'app-uses-entry-points',
      comment: 'The reference app reads like any other user of the package.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^libs/', pathNot: `${lib}(${entryPoints})\\.ts$` },
    },
    {
      name: 'app-uses-package-names',
      comment:
        'nestjs-curfew and its entry points: /worker, /testing, /migrations, /express-session.',
      severity: 'error',
      from: { path: '^src/' },
      to: { path: '^libs/', dependencyTypesNot: ['aliased'] },
    },
    {
      name: 'app-without-tests',
      severity: 'error',
      from: { path: '^src/', pathNot: spec },
      to: { path: '^test/' },
    },
    {
      name: 'nothing-imports-a-spec',
      severity: 'error',
      from: {},
      to: { path: spec },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|libs/[^/]+/dist)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
      mainFields: ['module', 'main', 'types'],
    },
  },
};
