import { exploreSuites } from "../explored-world.ts";
import { explored } from "./explored.ts";
import { driverMutations, mutant } from "./mutant.ts";

exploreSuites({
  driver: "the driver before a Xen whose events come in any order",
  explored,
  mutations: driverMutations,
  mutant,
  executions: 40,
});
