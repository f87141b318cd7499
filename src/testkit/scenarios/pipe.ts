import { Ready } from "../../event/index.ts";
import { SimFile } from "../sim/kernel.ts";

/** The reading end of a pipe, which remembers whether anything was ever written. */
export class Pipe extends SimFile {
  fd = -1;
  arrivals = 0;

  /** Somebody writes. */
  arrive(): void {
    this.arrivals++;
    this.ready |= Ready.readable;
  }
}
