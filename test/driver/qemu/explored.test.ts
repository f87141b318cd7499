import { exploreSuites } from "../explored-world.ts";
import { explored } from "./explored.ts";
import { driverMutations, mutant } from "./mutant.ts";

exploreSuites({
  driver: "the driver and its monitors before QEMUs that are actors",
  explored,
  mutations: driverMutations,
  mutant,
  executions: 200,
});
