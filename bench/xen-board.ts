export const measures = ["create", "list", "destroy"] as const;
export type Measure = (typeof measures)[number];

/** For each subject, in its order: microseconds of each round. */
export type Taken = Readonly<Record<string, Readonly<Record<Measure, number[]>>>>;

export const driverMeasures = ["create", "pause", "list", "destroy"] as const;
export type DriverMeasure = (typeof driverMeasures)[number];
export type DriverTaken = Readonly<Record<string, Readonly<Record<DriverMeasure, number[]>>>>;
