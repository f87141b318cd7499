import { Loop, type LoopOptions } from "../event/loop.ts";
import { EpollHost } from "./epoll-host.ts";
import { raise } from "./poll-handle.ts";

/** By default errors of callbacks become uncaught exceptions. */
export function openLoop(options: Partial<LoopOptions> = {}): Loop {
  return new Loop(new EpollHost(), { onError: options.onError ?? raise });
}
