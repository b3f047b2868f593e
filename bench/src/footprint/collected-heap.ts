/** Bytes of the heap that are in use, after what is not has been collected. Needs `--expose-gc`. */
export function collectedHeap(): number {
  if (globalThis.gc === undefined) throw new Error('Expected node --expose-gc, got none.');
  globalThis.gc();
  globalThis.gc();
  return process.memoryUsage().heapUsed;
}
