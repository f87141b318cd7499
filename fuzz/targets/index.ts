import type { Target } from "../target.ts";
import { frames } from "./frames.ts";
import { xdr } from "./xdr.ts";
import { xl } from "./xl.ts";
import { xml } from "./xml.ts";

export const targets: Readonly<Record<string, Target>> = { frames, xdr, xl, xml };
