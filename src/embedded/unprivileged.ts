import { execFile, spawn, type ChildProcess, type StdioOptions } from 'node:child_process';
import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Who runs a program that refuses to be run by root. */
export interface Account {
  readonly uid: number;
  readonly gid: number;
  /** Whether it may still pass directories that are root's alone, such as `/root` above a checkout. */
  readonly passesPrivateDirectories: boolean;
}

/**
 * The account to use instead of root: whoever owns the directory already, else `nobody`. `undefined` where this process
 * is not root's.
 */
export async function unprivilegedAccount(directory: string): Promise<Account | undefined> {
  if (process.getuid?.() !== 0) return undefined;
  const owner = await stat(directory).catch(() => undefined);
  const account = owner === undefined || owner.uid === 0 ? await nobody() : owner;
  // On Linux `setpriv` is part of util-linux; it may be missing elsewhere, or root may lack the capability in a container.
  const passesPrivateDirectories = await run('setpriv', [
    ...setprivArguments(account),
    'true',
  ]).then(
    () => true,
    () => false,
  );
  return { uid: account.uid, gid: account.gid, passesPrivateDirectories };
}

/** Starts a program under that account, in a process group of its own: Ctrl-C in the terminal does not reach it. */
export function spawnAs(
  account: Account | undefined,
  file: string,
  args: readonly string[],
  stdio: StdioOptions,
): ChildProcess {
  if (account?.passesPrivateDirectories === true) {
    return spawn('setpriv', [...setprivArguments(account), file, ...args], {
      stdio,
      detached: true,
    });
  }
  const { uid, gid } = account ?? {};
  return spawn(file, args, {
    stdio,
    detached: true,
    ...(uid === undefined || gid === undefined ? {} : { uid, gid }),
  });
}

/** Resolves with the exit code, `null` after a signal. */
export async function exitCodeOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode !== null || child.signalCode !== null) return child.exitCode;
  const [code] = (await once(child, 'exit')) as [number | null];
  return code;
}

/** The account that exists everywhere and owns nothing. */
async function nobody(): Promise<Pick<Account, 'uid' | 'gid'>> {
  const [uid, gid] = await Promise.all(['-u', '-g'].map((flag) => run('id', [flag, 'nobody'])));
  return { uid: Number(uid?.stdout), gid: Number(gid?.stdout) };
}

function setprivArguments({ uid, gid }: Pick<Account, 'uid' | 'gid'>): string[] {
  return [
    `--reuid=${uid}`,
    `--regid=${gid}`,
    '--clear-groups',
    '--inh-caps=+dac_override',
    '--ambient-caps=+dac_override',
    // PostgreSQL asks access(2) whether it may read its own files, and access(2) looks at the capability of a user other
    // than root only with this bit.
    '--securebits=+no_setuid_fixup',
  ];
}
