import { besiege, type Outcome } from "../../test/integration/hostile-clients/siege.ts";

/** Honest clients may wait this many times as long while others do their worst. */
const mostTimesLonger = 2;

/** A thousand connections at once, three hundred of them hostile, against a daemon of ours. */
export async function clients(): Promise<boolean> {
  const outcome = await besiege({
    clients: 1_000,
    rounds: 5,
    phaseMs: 10_000,
    pauseMs: 1_500,
    shakeMs: 250,
    honestProcesses: 2,
  });
  print(outcome);
  const isLate = outcome.timesLonger > mostTimesLonger;
  if (isLate) console.log(`honest clients wait more than ${mostTimesLonger} times as long`);
  for (const each of outcome.found) console.log(each);
  return !isLate && outcome.found.length === 0;
}

function print({ phases, control, besieged, timesLonger, rests, log }: Outcome): void {
  console.log("honest clients       calls      p50      p99  longest  the daemon's processor, and its wait for one");
  for (const { name, calls, p50, p99, longest, cpu, starved } of phases) {
    const times = [p50, p99, longest].map((value) => `${value.toFixed(2)} ms`.padStart(9)).join("");
    console.log(`${name.padEnd(15)} ${String(calls).padStart(10)}${times}  ${percent(cpu)}, ${percent(starved)}`);
  }
  console.log(`\np99 of all: ${control.toFixed(2)} ms without offenders, ${besieged.toFixed(2)} ms with them`);
  console.log(`median of the rounds behind the first: ${timesLonger.toFixed(2)} times as long\n`);
  for (const { name, heapUsed, external, rss, descriptors } of rests) {
    const sizes = [heapUsed, external, rss].map(mebibytes);
    console.log(`${name.padEnd(26)} heap, external, resident: ${sizes.join(", ")}; ${descriptors} descriptors`);
  }
  console.log("");
  for (const [who, reasons] of Object.entries(log)) {
    for (const [reason, count] of Object.entries(reasons)) {
      console.log(`${who.padEnd(14)} ${String(count).padStart(6)} connections, in the log: ${reason}`);
    }
  }
}

function percent(share: number): string {
  return `${(share * 100).toFixed(0)} %`;
}

function mebibytes(bytes: number): string {
  return `${(bytes / 1_048_576).toFixed(1)} MiB`;
}
