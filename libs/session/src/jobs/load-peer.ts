import { SessionError } from '../core/errors.js';

/**
 * Imports an optional peer where an option needs it.
 * @throws `SESSION_PEER_MISSING` naming the package, if it is that package that is not installed.
 */
export async function loadPeer<Module>(
  packageName: string,
  option: string,
  load: () => Promise<Module>,
): Promise<Module> {
  try {
    return await load();
  } catch (error) {
    if (!isNotFound(error, packageName)) throw error;
    throw new SessionError(
      'SESSION_PEER_MISSING',
      `Expected the package ${packageName} for ${option}, got none. Run: npm install ${packageName}`,
      { cause: error },
    );
  }
}

function isNotFound(error: unknown, packageName: string): boolean {
  if (!(error instanceof Error) || !('code' in error)) return false;
  const isMissing = error.code === 'ERR_MODULE_NOT_FOUND' || error.code === 'MODULE_NOT_FOUND';
  return isMissing && error.message.includes(`'${packageName}'`);
}
