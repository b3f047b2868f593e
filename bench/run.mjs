// npm run bench: builds what is to be measured, installs what it is measured against, and starts.
import { spawnSync } from 'node:child_process';
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';

const bench = import.meta.dirname;
const root = join(bench, '..');
const given = process.argv.slice(2);
const measures = !given.some((argument) => ['report', '--list', '--help'].includes(argument));

function run(program, args, cwd) {
  const { status, error } = spawnSync(program, args, { cwd, stdio: ['ignore', 2, 2] });
  if (status === 0) return;
  console.error(`Expected \`${program} ${args.join(' ')}\` to succeed, got ${error ?? status}.`);
  process.exit(1);
}

function isInstalled() {
  const done = join(bench, 'node_modules/.package-lock.json');
  return (
    existsSync(done) && statSync(done).mtimeMs >= statSync(join(bench, 'package-lock.json')).mtimeMs
  );
}

if (!existsSync(join(root, 'node_modules'))) {
  console.error('Expected the packages of the root to be installed, got none. Run `npm ci` first.');
  process.exit(1);
}
if (!given.includes('--no-build')) {
  if (measures) run('npm', ['run', '--silent', 'build:lib'], root);
  run(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), '-p', bench], root);
}
if (measures && !isInstalled()) run('npm', ['ci'], bench);
await import('./dist/main.js');
