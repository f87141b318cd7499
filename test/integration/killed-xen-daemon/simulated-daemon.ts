import { join } from "node:path";
import { XenDriver } from "../../../src/driver/xen/index.ts";
import { Deferred, type Loop } from "../../../src/event/index.ts";
import { XenProcesses } from "../../../src/libxl/index.ts";
import { connectUnix } from "../../../src/os/index.ts";
import { serveDriver } from "../killed-daemon/served-driver.ts";

/** A daemon before a SimulatedXen whose sockets are beside its own. */
const [path = ""] = process.argv.slice(2);
const directory = join(path, "..");

await serveDriver(path, async (loop, onWarning) => {
  const { ended: predecessors } = await eldersOf(loop);
  const calls = new XenProcesses(loop, {
    launch: async (role) => {
      const transport = connectUnix(loop, join(directory, `xen-${role}`));
      return { transport, kill: () => transport.close() };
    },
    onProcessEnded: onWarning,
  });
  const places = { stateDir: join(directory, "state"), runDir: join(directory, "run") };
  const news = newsOf(loop);
  return XenDriver.open(loop, { ...places, onWarning, xen: { calls, news, predecessors, close: () => news.close() } });
});

/** A byte says that they are known, before we have processes of our own, and the end of it all that they have ended. */
function eldersOf(loop: Loop): Promise<{ readonly ended: Promise<void> }> {
  return new Promise((resolve) => {
    const ended = new Deferred();
    connectUnix(loop, join(directory, "xen-elders")).open({
      onData: () => resolve({ ended: ended.promise }),
      onClose: () => ended.resolve(),
    });
  });
}

/** Any byte is news. */
function newsOf(loop: Loop): {
  subscribe(listener: () => void): () => void;
  followName(): () => void;
  close(): void;
} {
  const listeners = new Set<() => void>();
  const transport = connectUnix(loop, join(directory, "xen-news"));
  transport.open({
    onData: () => {
      for (const listener of Array.from(listeners)) listener();
    },
    onClose: () => {},
  });
  return {
    subscribe: (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    followName: () => () => {},
    close: () => transport.close(),
  };
}
