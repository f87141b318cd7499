// Node with neither libxl nor koffi: compiles, allocates, collects and forks, `alone.mjs ROUNDS`, for as long as the others.
import { spawn } from "node:child_process";
import { compileFunction } from "node:vm";

for (let round = 0; round < Number(process.argv[2]); round++) {
  for (let fresh = 0; fresh < 200; fresh++) {
    const text = `let sum = 0; const made = []; for (let at = 0; at < 400; at++) { sum += at * ${fresh}; made.push({ at, text: "x" + at }); } return sum + made.length;`;
    const compiled = compileFunction(text);
    for (let times = 0; times < 50; times++) compiled();
    JSON.parse(JSON.stringify(Array.from({ length: 200 }, (_, index) => ({ index, name: `guest-${index}` }))));
  }
  await Promise.all(Array.from({ length: 4 }, () => new Promise((resolve) => spawn("true").once("exit", resolve))));
  console.log(`round ${round + 1}`);
}
