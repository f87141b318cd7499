import { Ready } from "/work/wt-h/src/event/index.ts";
import { openLoop } from "/work/wt-h/src/os/index.ts";

await using loop = openLoop();

const once = loop.timeout(loop.now() + 20, () => console.log("a deadline"));
const file = loop.watch(0, Ready.readable, (_ready, watch) => {
  console.log("standard input is readable, or at its end");
  watch.remove(); // from here on the callback is never entered again
});
loop.post(() => console.log("posted"));

await file.closed; // the last callback has really ended
await once.closed;
console.log("done");
