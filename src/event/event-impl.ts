import type { Readiness } from "./host.ts";
import type { Loop } from "./loop.ts";
import type { Timeout } from "./timeout.ts";
import type { Watch } from "./watch.ts";

export type HandleCallback = (watch: number, fd: number, events: Readiness) => void;
export type TimerCallback = (timer: number) => void;

/**
 * An event loop in the shape of libvirt's `virEventRegisterImpl`: six functions that an application supplies to a
 * library. Ids are from 1 and fit 31 bits; what cannot be added throws, or answers -1. A frequency is in milliseconds:
 * 0 in every turn, -1 not at all. `release` is called once, after removal, when the callback can no longer run.
 * Removing answers false for an unknown id; updating one does nothing.
 */
export interface EventImpl {
  addHandle(fd: number, events: Readiness, callback: HandleCallback, release?: () => void): number;
  updateHandle(watch: number, events: Readiness): void;
  removeHandle(watch: number): boolean;
  addTimeout(frequency: number, callback: TimerCallback, release?: () => void): number;
  updateTimeout(timer: number, frequency: number): void;
  removeTimeout(timer: number): boolean;
}

/**
 * Our loop, handed to a library that takes libvirt's form, and calls all six on the loop's thread. Ids count up and are
 * never reused. What cannot be added throws the loop's error.
 */
export function asEventImpl(loop: Loop): EventImpl {
  const watches = new Map<number, Watch>();
  const timers = new Map<number, Timeout>();
  let lastId = 0;
  const at = (frequency: number): number | "never" => (frequency < 0 ? "never" : loop.now() + frequency);
  return {
    addHandle(fd, events, callback, release) {
      const id = ++lastId;
      watches.set(
        id,
        loop.watch(fd, events, (ready) => callback(id, fd, ready), options(`handle ${id}`, release)),
      );
      return id;
    },
    updateHandle(id, events) {
      watches.get(id)?.modify(events);
    },
    removeHandle(id) {
      watches.get(id)?.remove();
      return watches.delete(id);
    },
    addTimeout(frequency, callback, release) {
      const id = ++lastId;
      const every = Math.max(frequency, 0);
      timers.set(
        id,
        loop.timeout(at(frequency), () => callback(id), { ...options(`timer ${id}`, release), every }),
      );
      return id;
    },
    updateTimeout(id, frequency) {
      timers.get(id)?.modify(at(frequency), Math.max(frequency, 0));
    },
    removeTimeout(id) {
      timers.get(id)?.remove();
      return timers.delete(id);
    },
  };
}

function options(name: string, release: (() => void) | undefined): { name: string; release?: () => void } {
  return release === undefined ? { name } : { name, release };
}
