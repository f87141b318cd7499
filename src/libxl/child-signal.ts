const listeners = new Set<() => void>();

function tell(): void {
  for (const listener of listeners) listener();
}

/**
 * Calls `listener` whenever a child of this process may have ended: all contexts of a process share its SIGCHLD. On the
 * main thread only, for Workers get no signals. Returns how to stop.
 */
export function onChildSignal(listener: () => void): () => void {
  if (listeners.size === 0) process.on("SIGCHLD", tell);
  listeners.add(listener);
  return () => {
    if (listeners.delete(listener) && listeners.size === 0) process.off("SIGCHLD", tell);
  };
}
