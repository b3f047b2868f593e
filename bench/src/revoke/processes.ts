import { join } from 'node:path';

import type { SessionModuleOptions } from 'nestjs-curfew';

import { Child } from '../processes/child.js';
import type { NodeInput } from './node.process.js';

/** A process of an application, and where it listens. */
export interface Node {
  readonly node: Child;
  readonly url: string;
}

export async function startNode(
  databaseUrl: string,
  options: Partial<SessionModuleOptions>,
): Promise<Node> {
  const node = new Child(join(import.meta.dirname, 'node.process.js'));
  const input: NodeInput = { databaseUrl, options };
  try {
    return { node, url: await node.call<string>('start', input) };
  } catch (error) {
    await node.stop();
    throw error;
  }
}

export function startProbe(): Child {
  return new Child(join(import.meta.dirname, 'probe.process.js'));
}
