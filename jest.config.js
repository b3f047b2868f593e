/** @type {import('jest').Config} */
export default {
  testEnvironment: 'node',
  testMatch: [
    '<rootDir>/libs/**/*.spec.ts',
    '<rootDir>/src/**/*.spec.ts',
    '<rootDir>/test/**/*.spec.ts',
  ],
  testPathIgnorePatterns: ['/node_modules/', '/dist/'],
  watchPathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/libs/[^/]+/dist/', '<rootDir>/.data/'],

  // Everything runs as the ES modules that ship. Specs import describe, it, expect from @jest/globals.
  extensionsToTreatAsEsm: ['.ts'],
  injectGlobals: false,
  setupFiles: ['<rootDir>/jest.setup.js'],
  moduleFileExtensions: ['ts', 'js', 'mjs', 'cjs', 'json', 'node'],
  moduleNameMapper: {
    '^nestjs-curfew$': '<rootDir>/libs/session/src/index.ts',
    '^nestjs-curfew/(worker|testing|migrations|express-session)$':
      '<rootDir>/libs/session/src/$1.ts',
    // The first that exists: ours are .ts, those of a package are .js.
    '^(\\.{1,2}/.+)\\.js$': ['$1.ts', '$1.js'],
  },
  transform: {
    '\\.ts$': [
      '@swc/jest',
      {
        swcrc: false,
        sourceMaps: 'inline',
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
      },
    ],
  },

  maxWorkers: 2,
  testTimeout: 30_000,
  coverageDirectory: 'coverage',
  collectCoverageFrom: ['libs/session/src/**/*.ts', 'src/**/*.ts', '!**/*.spec.ts'],
};
