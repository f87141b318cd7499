export { AsyncSim } from "./explorer/async-sim.ts";
export { type Bounds, boundsFromEnvironment } from "./explorer/bounds.ts";
export { type DepthFirstOptions, DepthFirstScheduler } from "./explorer/depth-first.ts";
export { diagramSvg, diagramText } from "./explorer/diagram.ts";
export type { Outcome } from "./explorer/execution.ts";
export {
  type AsyncSubject,
  explore,
  exploreAsync,
  type Report,
  replay,
  replayAsync,
  type Subject,
} from "./explorer/explore.ts";
export { Failure, type FailureKind } from "./explorer/failure.ts";
export { type PctOptions, PctScheduler } from "./explorer/pct.ts";
export { RandomScheduler } from "./explorer/random.ts";
export { ReplayScheduler } from "./explorer/replay.ts";
export { formatSchedule, parseSchedule, type Schedule } from "./explorer/schedule.ts";
export { type Runnable, type Scheduler, type Step, seededRandom, type TaskId } from "./explorer/scheduler.ts";
export { Sim } from "./explorer/sim.ts";
export type { Body } from "./explorer/task.ts";
export { FakeLibxl, FakeOperation, type Registered } from "./fake-libxl/fake-libxl.ts";
export { FakeChild, FakeMachine } from "./fake-libxl/fake-machine.ts";
export { FakeOsevents, type FakeRegistration, type LibxlForm } from "./fake-libxl/fake-osevents.ts";
export {
  brokenPromises,
  type Cell,
  type Protocol,
  protocols,
  replayRace,
  runLab,
  type Selection,
  tryRace,
  type Verdict,
} from "./races/lab.ts";
export { type Race, raceId, races } from "./races/races.ts";
export { labTable } from "./races/table.ts";
export { SimHost, type SimHostOptions } from "./sim/host.ts";
export { SimFile, SimKernel } from "./sim/kernel.ts";
export { Mutex } from "./sim/mutex.ts";
export { Resource } from "./sim/resource.ts";
