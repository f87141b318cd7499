/** The status of what SIGPIPE has ended, as a shell has it. */
const leftStatus = 141;

/**
 * What becomes of a command when its output goes nowhere. Where the reader has left, it ends without a word, else with what is
 * wrong; what can be interrupted is, so that its connection ends in order. Who listens for errors himself goes on.
 */
export function endWithOutput(): void {
  let isOver = false;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on("error", (error: NodeJS.ErrnoException) => {
      if (isOver || stream.listenerCount("error") > 1) return;
      isOver = true;
      const isLeft = error.code === "EPIPE";
      const status = isLeft ? leftStatus : 1;
      if (!isLeft) process.stderr.write(`error: cannot write what is to be said: ${error.message}\n`);
      // Whatever the command thinks of it.
      process.on("exit", () => (process.exitCode = status));
      if (!process.emit("SIGTERM", "SIGTERM")) process.exit();
    });
  }
}
